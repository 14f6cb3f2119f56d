// With JavaScript the page follows what happens at once, and says the reader's own time beside UTC; without it, it is
// loaded anew every ten seconds. A page on which something is filled in stays as it is.
(() => {
  // Not location.href: it may hold a name and a token, which fetch refuses.
  const EVERY = 10000, HERE = location.origin + location.pathname + location.search;
  let asking = false, again = false;
  const show = async () => {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const answer = await fetch(HERE, { cache: "no-store", signal: AbortSignal.timeout(8000) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!page.querySelector("main")) throw new Error("not a page of the receiver");
      // Whoever stands on a link or a button stays there.
      const focused = document.activeElement && document.activeElement.closest("main") && document.activeElement;
      const place = focused && (focused.id || focused.getAttribute("href"));
      for (const part of ["header", "main"]) document.querySelector(part).replaceWith(page.querySelector(part));
      document.title = page.title;
      document.body.classList.remove("stale");
      localTimes();
      if (place) {
        const found = [...document.querySelectorAll("main a, main button")].find((one) => place === (one.id || one.getAttribute("href")));
        if (found) found.focus({ preventScroll: true });
      }
    } catch {
      document.body.classList.add("stale");
    }
    asking = false;
    if (again) { again = false; show(); }
  };
  localTimes();
  if (document.body.hasAttribute("data-still")) return;
  let events;
  const listen = () => {
    events = new EventSource(`${location.origin}/events`);
    events.addEventListener("decision", show);
    events.addEventListener("outcome", show);
  };
  listen();
  // A browser gives a stream up for good when it is answered with an error once: a proxy's while the receiver restarts.
  setInterval(() => {
    if (events.readyState === EventSource.CLOSED) listen();
    show();
  }, EVERY);
})();
