// What HTML alone cannot do: protect what was typed, stop a second click, add rows to a group, print.
// Served as a file (the content security policy allows no inline script); every page works without it.
"use strict";
(() => {
  const each = (root, what, act) => root.querySelectorAll(what).forEach(act);
  // `unsaved`: a form could not be sent, which no lesser word may take the place of.
  let typed = false, unsaved = false;

  document.addEventListener("input", (e) => {
    if (e.target.closest("form[data-keep]")) typed = true;
  });
  addEventListener("beforeunload", (e) => {
    if (typed) e.preventDefault();
  });
  // A page that cannot be reached would take the place of what was typed: whether it can is asked before it is sent.
  const reach = () => fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(8000) });
  const asks = "requestSubmit" in HTMLFormElement.prototype && "timeout" in AbortSignal;
  // A second click must not send a form twice; the button comes back when the page is shown again.
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (asks && form.matches("form[data-keep]") && !form.dataset.reached) {
      e.preventDefault();
      if (form.dataset.asking) return;
      const by = e.submitter;
      form.dataset.asking = "1";
      reach().then(() => { unsaved = false; tell(""); form.dataset.reached = "1"; form.requestSubmit(by); },
        () => { unsaved = true; tell("The connection is lost, and nothing was saved. What you typed is still here: save it again when the connection is back."); })
        .finally(() => { delete form.dataset.asking; });
      return;
    }
    delete form.dataset.reached;
    if (form.dataset.confirm && !confirm(form.dataset.confirm)) return e.preventDefault();
    if (form.dataset.sent) return e.preventDefault();
    if (!form.hasAttribute("hx-post")) form.dataset.sent = "1";
    typed = false;
  });
  addEventListener("pageshow", () => each(document, "form[data-sent]", (f) => delete f.dataset.sent));

  // Every htmx request carries the token against forged requests; an answer that says no says why.
  document.addEventListener("htmx:configRequest", (e) => {
    const token = document.querySelector("meta[name=csrf]");
    if (token) e.detail.headers["X-CSRF-Token"] = token.content;
  });
  const tell = (text) => {
    const place = document.getElementById("tell");
    if (place) { place.textContent = text; place.hidden = !text; }
  };
  document.addEventListener("htmx:sendError", () => {
    if (!unsaved) tell("The connection is lost. What you typed is still here; it will be checked when you save.");
  });
  document.addEventListener("htmx:responseError", (e) => {
    const s = e.detail.xhr.status;
    tell(s === 401 ? "You were logged out. Save to log in again: what you typed is kept."
      : s === 429 ? "Too many requests for a moment. What you typed is still here." : "The server could not answer (" + s + "). What you typed is still here.");
  });
  document.addEventListener("htmx:afterOnLoad", (e) => { if (e.detail.xhr.status < 400 && !unsaved) tell(""); });

  // On a narrow screen the bar scrolls sideways: where one is must be seen.
  addEventListener("DOMContentLoaded", () => {
    const here = document.querySelector(".bar nav [aria-current]");
    if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 40;
  });

  // What scrolls sideways must scroll by the keyboard too.
  const reachable = () => each(document, ".wide", (part) => {
    if (part.scrollWidth <= part.clientWidth + 1) return part.removeAttribute("tabindex");
    part.tabIndex = 0;
    if (!part.hasAttribute("role")) {
      part.setAttribute("role", "region");
      const of = part.closest("section, form, main")?.querySelector("h1, h2, h3, caption");
      part.setAttribute("aria-label", (of ? of.textContent.trim() : "Table") + ", scrolls sideways");
    }
  });
  addEventListener("load", reachable);
  addEventListener("resize", reachable);
  document.addEventListener("htmx:afterSettle", reachable);

  document.addEventListener("click", (e) => {
    if (e.target.closest("[data-print]")) print();
    const copy = e.target.closest("[data-copy]");
    if (copy && navigator.clipboard) navigator.clipboard.writeText(copy.dataset.copy).then(() => { copy.textContent = "Copied"; });
  });
  document.addEventListener("change", (e) => {
    if (e.target.matches("[data-submit]")) e.target.form.requestSubmit();
  });

  // Data entry. Nothing is said of an empty field before somebody has been in it: which those are, the form tells the server.
  document.addEventListener("focusout", (e) => {
    const form = e.target.name && e.target.closest("form[data-touched]");
    const list = form && form.elements._touched;
    if (!list || e.target.name.startsWith("_") || list.value.split(" ").includes(e.target.name)) return;
    list.value = (list.value + " " + e.target.name).trim();
    if (!e.target.value) form.dispatchEvent(new Event("change", { bubbles: true }));
  });
  document.addEventListener("click", (e) => {
    const button = e.target.closest("button[data-remove]");
    if (!button) return;
    e.preventDefault();
    const form = button.form;
    button.closest(button.dataset.remove).remove();
    typed = true;
    form.dispatchEvent(new Event("change", { bubbles: true }));
  });
  document.addEventListener("htmx:oobAfterSwap", (e) => {
    const said = e.detail.target;
    if (!said || !said.classList.contains("said")) return;
    each(said.parentElement, "input,select,textarea", (control) => {
      if (said.querySelector(".fault")) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    });
  });
  document.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && e.target.matches("[data-no-enter]")) e.preventDefault();
  });
})();
