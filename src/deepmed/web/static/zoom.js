// A picture with its layers, looked at more closely: by buttons, keys, wheel with Ctrl, two fingers
// or a double click; then moved by hand or arrow keys. All layers move as one, so what lies over
// the picture stays where it belongs and can be chosen as before.
"use strict";

const LEAST = 1;
const MOST = 6;
const STEP = 1.4;
const SHIFT = 60;
const STILL = 5; // pixels that a hand moves without meaning to

class Zoom {
  constructor(viewport) {
    this.viewport = viewport;
    this.layers = viewport.firstElementChild;
    this.tools = document.getElementById(viewport.dataset.zoom);
    this.scale = 1;
    this.x = this.y = 0;
    this.pointers = new Map();
    this.moved = false;
    this.tools.hidden = false;
    this.listen();
    this.apply();
  }

  listen() {
    const { viewport } = this;
    this.tools.addEventListener("click", (event) => this.pressed(event));
    viewport.addEventListener("keydown", (event) => this.key(event));
    viewport.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    viewport.addEventListener("dblclick", (event) => this.towards(STEP * STEP, this.within(event)));
    viewport.addEventListener("pointerdown", (event) => this.down(event));
    viewport.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel"]) {
      viewport.addEventListener(kind, (event) => this.pointers.delete(event.pointerId));
    }
    viewport.addEventListener("click", (event) => this.afterMoving(event), true);
    window.addEventListener("resize", () => this.apply());
  }

  within(event) {
    const box = this.viewport.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  middle() {
    return [this.viewport.clientWidth / 2, this.viewport.clientHeight / 2];
  }

  towards(factor, [x, y]) {
    const scale = Math.min(MOST, Math.max(LEAST, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.apply();
  }

  shift(x, y) {
    this.x += x;
    this.y += y;
    this.apply();
  }

  apply() {
    const { clientWidth: width, clientHeight: height } = this.viewport;
    this.x = Math.min(0, Math.max(width * (1 - this.scale), this.x));
    this.y = Math.min(0, Math.max(height * (1 - this.scale), this.y));
    this.layers.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.viewport.classList.toggle("zoomed", this.scale > LEAST);
    this.tools.querySelector("output").textContent = `${Math.round(100 * this.scale)} %`;
    this.tools.querySelector("[data-closer=out]").disabled = this.scale === LEAST;
    this.tools.querySelector("[data-closer=in]").disabled = this.scale === MOST;
  }

  whole() {
    this.scale = 1;
    this.apply();
  }

  pressed(event) {
    const how = event.target.dataset.closer;
    if (how === "whole") this.whole();
    else if (how) this.towards(how === "in" ? STEP : 1 / STEP, this.middle());
  }

  key(event) {
    if (event.target !== this.viewport || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [SHIFT, 0], ArrowRight: [-SHIFT, 0], ArrowUp: [0, SHIFT], ArrowDown: [0, -SHIFT] };
    if (event.key === "+" || event.key === "=") this.towards(STEP, this.middle());
    else if (event.key === "-") this.towards(1 / STEP, this.middle());
    else if (event.key === "0" || event.key === "Escape") this.whole();
    else if (moves[event.key] && this.scale > LEAST) this.shift(...moves[event.key]);
    else return;
    event.preventDefault();
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // the page is scrolled
    event.preventDefault();
    this.towards(event.deltaY < 0 ? 1.15 : 1 / 1.15, this.within(event));
  }

  down(event) {
    this.pointers.set(event.pointerId, this.within(event));
    if (this.pointers.size === 1) {
      this.moved = false;
      this.begun = this.within(event);
    }
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.within(event);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId);
    if (others.length === 1) this.pinch(before, now, others[0][1]);
    else if (this.scale > LEAST && this.isDrawn(event, now)) this.shift(now[0] - before[0], now[1] - before[1]);
    this.pointers.set(event.pointerId, now);
  }

  isDrawn(event, [x, y]) {
    if (!this.moved && Math.hypot(x - this.begun[0], y - this.begun[1]) > STILL) {
      this.moved = true;
      this.viewport.setPointerCapture(event.pointerId);
    }
    return this.moved;
  }

  pinch(before, now, other) {
    const width = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
    this.moved = true;
    this.towards(width(now) / width(before), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
  }

  afterMoving(event) {
    if (!this.moved) return;
    this.moved = false;
    event.stopPropagation(); // it was moved, and no place was chosen
  }

  show(frame) {
    if (this.scale === LEAST) return;
    const box = frame.getBoundingClientRect();
    const [x, y] = this.within({ clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 });
    const [wantedX, wantedY] = this.middle();
    this.shift(wantedX - x, wantedY - y);
  }
}

const zooms = new WeakMap();

function watch(root) {
  for (const viewport of root.querySelectorAll("[data-zoom]")) {
    if (!zooms.has(viewport)) zooms.set(viewport, new Zoom(viewport));
  }
}

// A place that is opened in the list comes into view.
document.addEventListener("toggle", (event) => {
  if (!event.target.matches("details.place[open]")) return;
  const frame = document.querySelector(`[data-region="${event.target.id}"]`);
  const viewport = frame?.closest("[data-zoom]");
  if (viewport) zooms.get(viewport)?.show(frame);
}, true);
document.addEventListener("htmx:load", (event) => watch(event.detail.elt.parentElement || document));
document.addEventListener("DOMContentLoaded", () => watch(document));
