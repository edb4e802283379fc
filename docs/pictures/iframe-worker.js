/* A page that was opened as a file may start no worker, and the search is one: here it runs in a frame. */
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.inner = frame.contentWindow;
      window.addEventListener("message", (event) => {
        if (event.source !== this.inner) return;
        const said = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(said);
        if (this.onmessage) this.onmessage(said);
      });
      const page = this.inner.document;
      page.open();
      page.write(`<body><script>
        postMessage = (data) => parent.postMessage(data, "*");
        importScripts = (...names) => names.reduce((before, name) => before.then(() => new Promise((done) => {
          const script = document.createElement("script");
          script.src = name;
          script.onload = done;
          document.body.appendChild(script);
        })), Promise.resolve());
      <\/script><script src="${new URL(url, location.href)}"><\/script></body>`);
      page.close();
      this.ready = new Promise((done) => { this.inner.onload = done; });
    }

    postMessage(data) {
      this.ready.then(() => this.inner.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {}
  };
  window.Worker = window.IFrameWorker;
}
