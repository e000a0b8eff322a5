// Saves each answer as it is chosen, says so, and tries again when the connection was lost. Every page works without it.
"use strict";
(() => {
  const place = document.querySelector(".kept");
  const say = (what) => {
    if (!place) return;
    place.textContent = place.dataset[what];
    place.classList.toggle("lost", what === "lost");
  };
  const isLost = () => place && place.classList.contains("lost");
  // A page that cannot be reached would take the place of the question: whether it can is asked before anything is sent.
  const reach = () => fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(8000) });
  const asks = "requestSubmit" in HTMLFormElement.prototype && "timeout" in AbortSignal;
  let sent = false, asking = false, reached = false;
  document.addEventListener("submit", (e) => {
    if (!navigator.onLine) { e.preventDefault(); return say("lost"); }
    if (sent) return e.preventDefault();
    if (asks && !reached) {
      e.preventDefault();
      if (asking) return;
      const by = e.submitter;
      asking = true;
      reach().then(() => { reached = true; e.target.requestSubmit(by); }, () => say("lost")).finally(() => { asking = reached = false; });
      return;
    }
    sent = true;
  });
  addEventListener("pageshow", () => { sent = false; });

  const form = document.querySelector("form[data-keep]");
  if (!form) return;
  // One request at a time, always with the whole page as it now stands: an older answer cannot arrive after a newer one.
  let underway = false, changed = false, later = 0;
  const keep = async () => {
    clearTimeout(later);
    if (underway) { changed = true; return; }
    underway = true;
    changed = false;
    if (!isLost()) say("saving");
    try {
      const body = new URLSearchParams(new FormData(form));
      const reply = await fetch(form.dataset.keep, { method: "POST", body, keepalive: true });
      if (reply.status === 409) return location.reload();
      if (!reply.ok) throw new Error(reply.status);
      const hidden = (await reply.text()).split(" ");
      form.querySelectorAll("[data-item]").forEach((q) => { q.hidden = hidden.includes(q.dataset.item); });
      say("saved");
    } catch {
      say("lost");
      later = setTimeout(keep, 5000);
    } finally {
      underway = false;
    }
    if (changed) keep();
  };
  form.addEventListener("change", keep);
  addEventListener("online", () => { if (isLost()) keep(); });
})();
