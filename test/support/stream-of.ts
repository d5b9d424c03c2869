/** A body in pieces of 1 KiB: sent without a Content-Length. */
export function streamOf(text: string): ReadableStream {
  const bytes = Buffer.from(text);
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += 1024) controller.enqueue(bytes.subarray(at, at + 1024));
      controller.close();
    },
  });
}
