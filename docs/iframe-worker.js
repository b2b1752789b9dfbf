// A worker for pages that are opened from a folder, where browsers refuse workers: the script runs
// in a hidden frame of the page.  The site's search runs in such a worker.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.onmessage = this.onerror = null;
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.frame = frame;
      const inside = frame.contentWindow;
      inside.postMessageOfPage = (data) => this.tell(new MessageEvent("message", { data }));
      inside.document.open();
      inside.document.write(
        "<script>" +
        "postMessage = postMessageOfPage;" +
        "importScripts = (...urls) => urls.reduce((before, url) => before.then(() => new Promise((done, failed) => {" +
        "const script = document.createElement('script'); script.src = url;" +
        "script.onload = done; script.onerror = failed; document.body.append(script); })), Promise.resolve());" +
        "<\/script>",
      );
      inside.document.close();
      this.ready = inside.importScripts(url);
    }
    tell(event) {
      this.dispatchEvent(event);
      this.onmessage?.(event);
    }
    postMessage(data) {
      this.ready = this.ready.then(() =>
        this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
    }
    terminate() {
      this.frame.remove();
    }
  };
}
