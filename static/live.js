// Parts of pages that replace themselves: keeps the keyboard focus, and shows when the server cannot be reached.
"use strict";
(() => {
  const focused = new WeakMap(); // by swap: the element in the part to replace that has the focus

  document.addEventListener("htmx:before:swap", (event) => {
    if (event.target.contains(document.activeElement)) focused.set(event.detail.ctx, document.activeElement);
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const isLost = focused.get(event.detail.ctx)?.isConnected === false && document.activeElement === document.body;
    if (isLost) event.target.querySelector("[data-takes-focus]")?.focus();
  });

  // A reload opens the same tab. A request could be answered after that of a filter, and take its address away.
  document.addEventListener("change", (event) => {
    const { address } = event.target.dataset;
    if (address) history.replaceState({ htmx: true }, "", address);
  });

  // The next good answer contains the notice with the attribute `hidden` again.
  const showNotice = (event) => {
    for (const notice of event.target.querySelectorAll?.("[data-offline]") ?? []) notice.hidden = false;
  };
  document.addEventListener("htmx:error", showNotice);
  document.addEventListener("htmx:response:error", (event) => {
    if (event.detail.ctx.response.status >= 500) showNotice(event);
  });
})();
