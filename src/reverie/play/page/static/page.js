// The page of `reverie dream`: it shows what the server sends, and tells it what a person does.

import { Controls } from "./controls.js";
import { Line } from "./lines.js";

const at = (id) => document.getElementById(id);
const MOST = 24; // lines of vectors

let socket, hello, frame, controls, lines = {}, vectors = [];
let arrivals = [], trips = [], asked = new Map(), question = 0;

function send(kind, value = null) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ [kind]: value }));
}

function say(text, bad = false) {
  at("state").textContent = text;
  at("state").classList.toggle("bad", bad);
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws${location.search}`);
  socket.addEventListener("message", ({ data }) => {
    const [[kind, value]] = Object.entries(JSON.parse(data));
    ({ hello: greet, frame: show, pong: answer, error: (text) => say(text, true) })[kind](value);
  });
  socket.addEventListener("close", () => {
    say("The server is not there; trying again every second …", true);
    [arrivals, trips] = [[], []];
    asked.clear();
    setTimeout(connect, 1000);
  });
}

function greet(described) {
  hello = described;
  frame = undefined;
  document.title = at("title").textContent = hello.title;
  say("");
  controls = new Controls(at("controls"), hello.controls, send);
  at("moment").max = hello.moments - 1;
  at("moment").title = `0 to ${hello.moments - 1}`;
  at("lines").replaceChildren();
  lines = { reward: new Line(at("lines"), "reward"), going: new Line(at("lines"), "chance to go on") };
  if (hello.value) lines.value = new Line(at("lines"), "value");
  if (hello.guess !== null) lines.error = new Line(at("lines"), "error of the dream", hello.guess);
  vectors = hello.vectors.slice(0, MOST).map((name) => new Line(at("lines"), name));
  const more = hello.vectors.length > MOST ? [`The first ${MOST} of ${hello.vectors.length} numbers are shown.`] : [];
  at("notes").replaceChildren(...[...hello.notes, ...more].map((note) => {
    const line = document.createElement("p");
    line.textContent = note;
    return line;
  }));
  at("rule").textContent = hello.guess === null ? "" :
    "The dream has left reality at the first step at which its error is above that of a guess who has seen nothing, " +
    `the mean of the run's records (${hello.guess.toPrecision(2)}, dotted): a line marks it.`;
}

function show(seen) {
  if (!frame || seen.step <= frame.step || seen.alone !== frame.alone) {
    if (!frame || seen.step < frame.step || seen.alone !== frame.alone) [...Object.values(lines), ...vectors].forEach((line) => line.clear());
  }
  const still = frame && seen.step === frame.step;
  frame = seen;
  arrivals.push(performance.now());
  arrivals = arrivals.slice(-30);
  if (!still) record();
  picture("real", frame.real);
  picture("dream", frame.dream);
  latent();
  controls.show(frame.controls);
  const mark = frame.left;
  [...Object.values(lines), ...vectors].forEach((line) => line.draw(mark));
  at("dream-panel").classList.toggle("left", mark !== null);
  at("dream-note").textContent = `step ${frame.step}, ${frame.posterior && !frame.alone ? "posterior" : "prior"}` +
    (mark === null ? "" : `; left reality at step ${mark}`);
  at("real-note").textContent = frame.alone ? "(none: the dream is alone)" : frame.over ? "(the episode is over)" : "";
  const words = [frame.agent ? "The agent acts." : "You act.", frame.paused ? "Paused." : "",
    frame.going < 0.5 ? "The world expects the end here." : ""];
  say(words.filter((word) => word).join(" "));
  for (const [id, on] of [["agent", frame.agent], ["posterior", frame.posterior], ["pause", frame.paused]])
    at(id).setAttribute("aria-pressed", on);
  at("degrees").textContent = frame.temperature.toPrecision(3);
  if (document.activeElement !== at("temperature")) at("temperature").value = Math.log2(frame.temperature);
}

function record() {
  const { step } = frame;
  lines.reward.add(step, frame.reward, frame.real_reward);
  lines.going.add(step, frame.going);
  lines.value?.add(step, frame.value);
  lines.error?.add(step, frame.error);
  vectors.forEach((line, index) => line.add(step, frame.dreamed[index] ?? null, frame.seen?.[index] ?? null));
}

async function picture(id, data) {
  at(`${id}-panel`).classList.toggle("empty", data === null);
  if (data === null) return;
  const image = new Image();
  image.src = `data:image/png;base64,${data}`;
  await image.decode();
  const canvas = at(id);
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  canvas.getContext("2d").drawImage(image, 0, 0);
}

function latent() {
  const { rows, columns, cells } = frame.latent;
  const canvas = at("latent");
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(columns, rows);
  [...atob(cells)].forEach((cell, index) => {
    const value = cell.charCodeAt(0);
    image.data.set([value, value * 0.75 + 20, 90 - value * 0.2, 255], 4 * index);
  });
  pen.putImageData(image, 0, 0);
}

function ask() {
  question += 1;
  if (asked.size < 10) asked.set(question, performance.now());
  send("ping", question);
  const rate = arrivals.length > 1 ? (1000 * (arrivals.length - 1)) / (arrivals.at(-1) - arrivals[0]) : 0;
  const trip = trips.length ? [...trips].sort((one, other) => one - other)[trips.length >> 1] : null;
  at("speed").textContent = `${rate.toFixed(1)} frames/s` + (trip === null ? "" : `, latency ${trip.toFixed(1)} ms`);
}

function answer(number) {
  if (!asked.has(number)) return;
  trips.push(performance.now() - asked.get(number));
  trips = trips.slice(-9);
  asked.delete(number);
}

function warmer(factor) {
  if (frame) send("temperature", Math.min(1000, Math.max(0.001, frame.temperature * factor)));
}

const chance = () => send("moment", Math.floor(Math.random() * hello.moments));
const replay = () => send("moment", Number(at("moment").value));
const ORDERS = {
  g: () => send("agent", !frame.agent), o: () => send("posterior", !frame.posterior),
  p: () => send("pause", !frame.paused), r: () => send("reset"), m: replay, n: chance,
  "+": () => warmer(1.25), "=": () => warmer(1.25), "-": () => warmer(0.8),
};

addEventListener("keydown", (event) => {
  if (!frame || event.ctrlKey || event.metaKey || event.altKey || event.target.type === "number") return;
  if (controls.key(event.key, true)) event.preventDefault();
  else if (!event.repeat) ORDERS[event.key.toLowerCase()]?.();
});
addEventListener("keyup", (event) => controls?.key(event.key, false));
addEventListener("blur", () => controls?.release());
const PRESSED = { agent: "g", posterior: "o", pause: "p", reset: "r", replay: "m", chance: "n" };
for (const [id, key] of Object.entries(PRESSED))
  at(id).addEventListener("click", () => { if (frame) ORDERS[key](); at(id).blur(); });
at("temperature").addEventListener("input", () => send("temperature", 2 ** Number(at("temperature").value)));

let button = false;
setInterval(() => {
  const pad = [...(navigator.getGamepads?.() ?? [])].find((one) => one);
  if (!pad || !frame) return;
  controls.tell();
  const pressed = Boolean(pad.buttons[0]?.pressed);
  if (pressed && !button) ORDERS.g();
  button = pressed;
}, 1000 / 30);
setInterval(ask, 500);
connect();
