// A white brush over one picture before it leaves the browser: for names and faces (D-30).
"use strict";

(() => {
  let canvas, pen, strokes, picture, place, painting;

  function redraw() {
    if (!picture) return;
    pen.drawImage(picture, 0, 0);
    for (const stroke of strokes) for (const dot of stroke) blot(dot);
    const count = strokes.length;
    const words = count === 1 ? "1 stroke covers" : `${count} strokes cover`;
    document.getElementById("covered").textContent = count ? `${words} the picture.` : "";
  }

  function blot({ x, y, size }) {
    pen.fillStyle = "#fff";
    pen.beginPath();
    pen.arc(x, y, size / 2, 0, 7);
    pen.fill();
  }

  function paint(x, y) {
    const size = document.getElementById("size").value * canvas.width / canvas.getBoundingClientRect().width;
    const dot = { x, y, size };
    strokes.at(-1).push(dot);
    blot(dot);
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    const scale = canvas.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  function pressed(event) {
    painting = true;
    canvas.setPointerCapture(event.pointerId);
    strokes.push([]);
    paint(...at(event));
  }

  function keyed(event) {
    const step = canvas.width / 50;
    const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (!move) return;
    event.preventDefault();
    place = [place[0] + move[0], place[1] + move[1]];
    if (event.shiftKey) {
      strokes.push([]);
      paint(...place);
    }
    redraw();
    pen.strokeStyle = "#a4481f";
    pen.lineWidth = canvas.width / 300;
    pen.strokeRect(place[0] - step / 2, place[1] - step / 2, step, step);
  }

  async function open(event) {
    strokes = []; // before anything can fail: those of another picture must never cover this one
    try {
      picture = await createImageBitmap(event.detail);
    } catch {
      picture = undefined;
    }
    canvas.hidden = !picture;
    if (!picture) {
      document.getElementById("covered").textContent = "This browser cannot show a picture of this kind. Cover names on the paper, or save it as PNG first.";
      return;
    }
    [canvas.width, canvas.height] = [picture.width, picture.height];
    place = [canvas.width / 2, canvas.height / 2];
    redraw();
  }

  // The picture as it is painted over; nothing where nobody painted, so that the file is sent as it is.
  window.deepmed.covered = () => new Promise((resolve) => {
    if (!strokes?.length) return resolve(null);
    redraw();
    canvas.toBlob(resolve, "image/png");
  });

  document.addEventListener("DOMContentLoaded", () => {
    canvas = document.getElementById("page");
    pen = canvas.getContext("2d");
    document.getElementById("upload").addEventListener("picture", open);
    canvas.addEventListener("pointerdown", pressed);
    canvas.addEventListener("pointermove", (event) => painting && paint(...at(event)));
    canvas.addEventListener("pointerup", () => {
      painting = false;
      redraw();
    });
    canvas.addEventListener("keydown", keyed);
    document.getElementById("undo").addEventListener("click", () => {
      strokes.pop();
      redraw();
    });
  });
})();
