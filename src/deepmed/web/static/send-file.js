// One file dropped onto a page, or chosen: sent with real progress, then the page goes where
// `data-then` says; {name} in it is filled from the answer. A module, because forms.js beside it has
// a `send` of its own.

const part = (id) => document.getElementById(id);

function complain(text) {
  const note = document.createElement("p");
  note.className = "note bad lines";
  note.setAttribute("role", "alert");
  note.tabIndex = -1;
  note.textContent = text;
  part("complaint").replaceChildren(...(text ? [note] : []));
  if (text) note.focus();
}

function sizeOf(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toPrecision(3)} MB`;
}

function stage(text, share) {
  part("progress").hidden = false;
  if (part("stage").textContent !== text) part("stage").textContent = text;
  if (share === null) part("bar").removeAttribute("value");
  else part("bar").value = 100 * share;
}

function transfer(form, file) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.to);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) {
        stage(`Uploading ${file.name}: ${sizeOf(event.loaded)} of ${sizeOf(event.total)}`, event.loaded / event.total);
      }
    };
    request.upload.onload = () => stage("Uploaded; the server keeps it", null);
    request.onerror = () => reject(new Error("The server does not answer. Nothing was stored; see that it runs, then try again."));
    request.onload = () => {
      if (request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(new Error(deepmed.reason(request.responseText) || `The server refused this (${request.status}). Nothing was stored.`));
    };
    const body = new FormData();
    body.append(form.dataset.field, file, file.name);
    request.send(body);
  });
}

function refusal(form, files) {
  const { ending, bytes } = form.dataset;
  if (files.length > 1) return `${files.length} files were chosen, and one is sent. Pack them into one ${ending.slice(1).toUpperCase()}.`;
  if (!files[0].name.toLowerCase().endsWith(ending)) return `${files[0].name} is no ${ending.slice(1).toUpperCase()}. Nothing was sent.`;
  if (files[0].size > Number(bytes)) return `${files[0].name} has ${sizeOf(files[0].size)}; at most ${sizeOf(Number(bytes))} are allowed. Nothing was sent.`;
  return "";
}

async function send(form, list) {
  const files = [...list];
  if (files.length === 0 || form.dataset.sending) return;
  const text = refusal(form, files);
  complain(text);
  if (text) return;
  form.dataset.sending = "yes";
  try {
    stage(`Uploading ${files[0].name}`, 0);
    const answer = await transfer(form, files[0]);
    location.assign(form.dataset.then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name])));
  } catch (error) {
    part("progress").hidden = true;
    part("file").value = "";
    complain(error.message);
  } finally {
    delete form.dataset.sending;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const form = part("send-file");
  part("file").addEventListener("change", (event) => send(form, event.target.files));
  for (const kind of ["dragover", "dragenter"]) {
    part("drop").addEventListener(kind, (event) => {
      event.preventDefault();
      part("drop").classList.add("over");
    });
  }
  part("drop").addEventListener("dragleave", () => part("drop").classList.remove("over"));
  part("drop").addEventListener("drop", (event) => {
    event.preventDefault();
    part("drop").classList.remove("over");
    send(form, event.dataTransfer.files);
  });
  send(form, part("file").files); // chosen before this script was there, or kept by the browser
});
