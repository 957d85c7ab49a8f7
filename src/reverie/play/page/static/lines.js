// A moving line of the last steps: the dream solid, reality dashed, and marks.

const STEPS = 200;

export class Line {
  constructor(parent, name, level = null) {
    this.box = document.createElement("div");
    this.box.className = "line";
    this.box.textContent = name;
    this.said = this.box.appendChild(document.createElement("span"));
    this.canvas = this.box.appendChild(document.createElement("canvas"));
    this.level = level;
    this.points = [];
    parent.append(this.box);
  }

  clear() {
    this.points = [];
  }

  add(step, dream, real = null) {
    this.points.push({ step, dream, real });
    if (this.points.length > STEPS) this.points.shift();
    this.said.textContent = dream === null ? "" : dream.toPrecision(3);
  }

  draw(mark) {
    const { canvas, points } = this;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale].map(Math.round);
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    if (!points.length) return;
    const last = Math.max(points.at(-1).step, STEPS);
    const values = points.flatMap((point) => [point.dream, point.real]).concat(this.level).filter((x) => x !== null);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = (high - low || 1) * 0.08;
    const x = (step) => width * (1 - (last - step) / STEPS);
    const y = (value) => height * (1 - (value - low + room) / (high - low + 2 * room || 1));
    pen.lineWidth = 1.5 * scale;
    if (this.level !== null) this.stroke(pen, [[0, y(this.level)], [width, y(this.level)]], "--quiet", [2, 4]);
    if (mark !== null) this.stroke(pen, [[x(mark), 0], [x(mark), height]], "--mark", []);
    for (const [who, colour, dash] of [["real", "--real", [5, 3]], ["dream", "--dream", []]]) {
      const seen = points.filter((point) => point[who] !== null);
      this.stroke(pen, seen.map((point) => [x(point.step), y(point[who])]), colour, dash);
    }
  }

  stroke(pen, places, colour, dash) {
    pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue(colour);
    pen.setLineDash(dash.map((length) => length * (window.devicePixelRatio || 1)));
    pen.beginPath();
    places.forEach(([x, y]) => pen.lineTo(x, y));
    pen.stroke();
  }
}
