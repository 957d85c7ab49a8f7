// What a person does: sliders and choices, moved by mouse, keys or a gamepad.

const KEYS = {
  ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowDown: [1, -1], ArrowUp: [1, 1],
  a: [0, -1], d: [0, 1], s: [1, -1], w: [1, 1],
};
const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
const LETTERS = { a: "ArrowLeft", d: "ArrowRight", w: "ArrowUp", s: "ArrowDown" };
const DEAD = 0.15; // of a stick that nobody moves

export class Controls {
  constructor(parent, described, send) {
    this.described = described;
    this.send = send;
    this.rest = described.map(() => 0); // what the mouse has set
    this.held = new Set();
    this.sent = "";
    parent.replaceChildren();
    this.shown = described.map((control, index) => (control.choices ? this.choices : this.slider).call(this, parent, control, index));
  }

  slider(parent, { low, high }, index) {
    const label = parent.appendChild(document.createElement("label"));
    label.append(`${low.toPrecision(3)} `);
    const input = label.appendChild(document.createElement("input"));
    Object.assign(input, { type: "range", min: -1, max: 1, step: 0.01, value: 0 });
    input.setAttribute("aria-label", `action ${index}`);
    label.append(` ${high.toPrecision(3)}`);
    input.addEventListener("input", () => { this.rest[index] = Number(input.value); this.tell(); });
    input.addEventListener("dblclick", () => { this.rest[index] = 0; this.tell(); });
    return (value) => { if (document.activeElement !== input || this.held.size) input.value = value; };
  }

  choices(parent, { choices }, index) {
    const box = parent.appendChild(document.createElement("span"));
    box.className = "choices";
    const buttons = choices.map((name, choice) => {
      const button = box.appendChild(document.createElement("button"));
      button.textContent = name;
      button.addEventListener("click", () => { this.rest[index] = choice; this.tell(); button.blur(); });
      return button;
    });
    return (value) => buttons.forEach((button, choice) => button.setAttribute("aria-pressed", choice === value));
  }

  // Whether the key is one that acts.
  key(name, down) {
    const key = name.length === 1 ? name.toLowerCase() : name;
    const digit = /^[1-9]$/.test(key) && this.described[0]?.choices;
    if (!(key in KEYS) && !digit) return false;
    if (down) this.held.add(key); else this.held.delete(key);
    this.tell();
    return true;
  }

  release() {
    this.held.clear();
    this.tell();
  }

  values() {
    const values = [...this.rest];
    const pad = [...(navigator.getGamepads?.() ?? [])].find((one) => one);
    this.described.forEach((control, index) => {
      if (control.choices) {
        if (index === 0) values[0] = this.choice(control.choices, pad) ?? values[0];
        return;
      }
      const axis = pad?.axes[index] ?? 0;
      if (Math.abs(axis) > DEAD) values[index] = index % 2 ? -axis : axis;
    });
    for (const key of this.held) {
      const [index, value] = KEYS[key] ?? [];
      if (index < values.length && !this.described[index].choices) values[index] = value;
    }
    return values;
  }

  // Arrows take the choices that are called so, or else left and right the first and the last; digits count from 1.
  choice(choices, pad) {
    const held = [...this.held].map((key) => LETTERS[key] ?? key);
    const [x, y] = pad?.axes ?? [0, 0];
    if (Math.abs(x) > 0.5) held.push(x < 0 ? "ArrowLeft" : "ArrowRight");
    if (Math.abs(y) > 0.5) held.push(y < 0 ? "ArrowUp" : "ArrowDown");
    const digit = held.find((key) => /^[1-9]$/.test(key));
    if (digit) return Math.min(Number(digit), choices.length) - 1;
    const arrow = held.filter((key) => ARROWS.includes(key)).map((key) => key.slice(5).toUpperCase());
    if (!arrow.length) return null;
    const named = choices.findIndex((name) => arrow.includes(name));
    if (named >= 0) return named;
    return { LEFT: 0, DOWN: 0, RIGHT: choices.length - 1, UP: Math.min(choices.length - 1, choices.length >> 1) }[arrow[0]];
  }

  tell() {
    const values = this.values();
    const text = JSON.stringify(values);
    if (text !== this.sent) { this.sent = text; this.send("act", values); }
  }

  show(values) {
    values.forEach((value, index) => this.shown[index](value));
  }
}
