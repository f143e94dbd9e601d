// Keeps a part of a page as new as the ledger of jobs: an element with `data-live` names a stream
// of events, and one with `data-part` the address of what it shows. The server draws, always from
// all that was recorded, so a lost connection loses nothing. With `data-every` it also looks by
// itself every so many seconds, for what is recorded beside the ledger.
"use strict";

const LEAST_PAUSE = 500;
const LONGEST_PAUSE = 30000;
const TRY_AGAIN_LATER = 1013; // the server has as many listeners as it may
const FINAL = ["succeeded", "failed", "cancelled"];
const KINDS = [...FINAL, "queued", "started", "progress", "log", "retrying", "cancel_requested",
  "epochs", "resumed", "compared"];

class LivePart {
  constructor(element) {
    this.element = element;
    this.last = 0;
    this.timer = null;
    this.busy = false;
    this.wanted = false;
    this.pause = 1000;
    if (element.dataset.live.startsWith("ws:")) this.listenToAll();
    else this.listenToOne();
    const every = Number(element.dataset.every || 0);
    if (every) this.looking = window.setInterval(() => this.look(), 1000 * every);
  }

  look() {
    if (!document.hidden) this.refresh();
  }

  refresh() {
    this.wanted = true;
    if (this.busy || this.timer !== null) return;
    const rest = Math.max(0, this.last + LEAST_PAUSE - Date.now());
    this.timer = window.setTimeout(() => this.load(), rest);
  }

  async load() {
    this.timer = null;
    this.wanted = false;
    this.busy = true;
    const open = [...this.element.querySelectorAll("details[open][id]")].map((each) => each.id);
    try {
      await htmx.ajax("GET", this.element.dataset.part, { target: this.element, swap: "innerHTML" });
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    } finally {
      this.busy = false;
      this.last = Date.now();
      if (this.wanted) this.refresh();
    }
  }

  listenToOne() {
    const after = Number(this.element.dataset.after || 0);
    this.source = new EventSource(`${this.element.dataset.live}?after=${after}`);
    this.source.onopen = () => this.tell("");
    for (const kind of KINDS) {
      this.source.addEventListener(kind, (event) => {
        this.element.dataset.after = event.lastEventId;
        this.refresh();
        if (FINAL.includes(kind)) this.end(kind);
      });
    }
    this.source.onerror = () => this.lost();
  }

  end(kind) {
    this.source.close();
    window.clearInterval(this.looking);
    const what = this.element.dataset.what || "The job";
    deepmed.say(`${what} has ${kind === "cancelled" ? "been cancelled" : kind}.`, kind === "failed");
  }

  lost() {
    if (this.source.readyState === EventSource.CONNECTING) {
      this.tell("The connection is lost; trying again. Nothing is missed.");
    } else {
      this.refresh(); // all was told already, or the server refuses: what it draws says which
      this.goOnUnlessEnded();
    }
  }

  async goOnUnlessEnded() {
    const job = await fetch(this.element.dataset.live.replace(/\/events$/, "")).catch(() => null);
    const gone = job?.status === 404 || (job?.ok && FINAL.includes((await job.json()).state));
    if (gone) window.clearInterval(this.looking);
    else window.setTimeout(() => this.listenToOne(), LONGEST_PAUSE);
  }

  listenToAll() {
    const place = this.element.dataset.live.slice(3);
    this.socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}${place}`);
    this.socket.onopen = () => {
      this.pause = 1000;
      this.tell("");
      this.refresh();
    };
    this.socket.onmessage = () => this.refresh();
    this.socket.onclose = (event) => {
      if (!this.element.isConnected) return;
      const full = event.code === TRY_AGAIN_LATER;
      this.tell(full ? event.reason : "The connection is lost; trying again. Nothing is missed.");
      window.setTimeout(() => this.listenToAll(), full ? LONGEST_PAUSE : this.pause);
      this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
    };
  }

  tell(text) {
    const place = document.getElementById(this.element.dataset.state || "");
    if (place) place.textContent = text;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  for (const element of document.querySelectorAll("[data-live]")) new LivePart(element);
});
