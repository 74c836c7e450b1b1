// Keeps the keyboard focus when parts of a page replace themselves, and the page when the server cannot be reached.
"use strict";
(() => {
  const focused = new WeakMap(); // by swap: the element in the part to replace that has the focus
  const noConnection = () => document.getElementById("no-connection");

  document.addEventListener("htmx:before:swap", (event) => {
    if (event.target.contains(document.activeElement)) focused.set(event.detail.ctx, document.activeElement);
  });
  document.addEventListener("htmx:after:swap", (event) => {
    noConnection().hidden ||= event.detail.ctx.response.status < 500;
    const isLost = focused.get(event.detail.ctx)?.isConnected === false && document.activeElement === document.body;
    if (isLost) event.target.querySelector("[data-takes-focus]")?.focus();
  });

  // A reload opens the same tab. A request could be answered after that of a filter, and take its address away.
  document.addEventListener("change", (event) => {
    const { address } = event.target.dataset;
    if (address) history.replaceState({ htmx: true }, "", address);
  });

  // A part can have a notice of its own. The next good answer contains it with the attribute `hidden` again.
  const showNotice = (event) => {
    const own = event.target.querySelectorAll?.("[data-offline]") ?? [];
    for (const notice of own.length ? own : [noConnection()]) notice.hidden = false;
  };
  document.addEventListener("htmx:error", showNotice);
  document.addEventListener("htmx:response:error", (event) => {
    if (event.detail.ctx.response.status >= 500) showNotice(event);
  });

  // A form is sent only if the server answers. Otherwise the browser would replace the page by an error page of its own.
  const isAnswering = async () => {
    const icon = document.querySelector("link[rel=icon]").href;
    const options = { method: "HEAD", cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(10000) };
    const response = await fetch(icon, options).catch(() => null);
    return response !== null && response.status < 500;
  };
  const inCheck = new WeakSet(); // forms that wait for the answer
  let isChecked = false;
  document.addEventListener("submit", async (event) => {
    if (isChecked || event.defaultPrevented) return;
    event.preventDefault();
    const { target: form, submitter } = event;
    if (inCheck.has(form)) return; // a second press sends nothing twice
    inCheck.add(form);
    noConnection().hidden = true;
    const canSend = await isAnswering();
    inCheck.delete(form);
    noConnection().hidden = canSend;
    if (!canSend || (submitter && submitter.form !== form)) return; // a part of the page replaced the button meanwhile
    isChecked = true;
    form.requestSubmit(submitter);
    isChecked = false;
  });
})();
