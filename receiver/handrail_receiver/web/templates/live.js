"use strict";
// With JavaScript the page follows what happens at once; without it, it is loaded anew every ten seconds.
(() => {
  // Not location.href: it may hold a name and a token, which fetch refuses.
  const EVERY = 10000, HERE = location.origin + location.pathname;
  let asking = false, again = false;
  const show = async () => {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const answer = await fetch(HERE, { cache: "no-store", signal: AbortSignal.timeout(8000) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!page.querySelector("main")) throw new Error("not a page of the receiver");
      for (const part of ["header", "main"]) document.querySelector(part).replaceWith(page.querySelector(part));
      document.title = page.title;
      document.body.classList.remove("stale");
    } catch {
      document.body.classList.add("stale");
    }
    asking = false;
    if (again) { again = false; show(); }
  };
  const events = new EventSource(`${location.origin}/events`);
  events.addEventListener("decision", show);
  events.addEventListener("outcome", show);
  setInterval(show, EVERY);
})();
