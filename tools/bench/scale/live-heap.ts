import type { Workerd } from '../workerd.ts';

const MIB = 2 ** 20;
const POKE_MS = 100;

/** MiB of JavaScript that are still in use after a garbage collection, as the Chrome DevTools protocol tells. */
export async function liveHeapMib({
  origin,
  inspectorPort,
}: Pick<Workerd, 'origin' | 'inspectorPort'>): Promise<number> {
  const targets = (await (await fetch(`http://127.0.0.1:${inspectorPort ?? 0}/json`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const url = targets[0]?.webSocketDebuggerUrl;
  if (url === undefined) throw new Error('workerd offers nothing to inspect');
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('workerd cannot be inspected')), { once: true });
  });
  // V8 collects in a task of its own, and workerd runs those with the next request.
  const poking = setInterval(() => void fetch(`${origin}/healthz`).catch(() => undefined), POKE_MS);
  try {
    await call(socket, 1, 'HeapProfiler.collectGarbage');
    const { usedSize } = (await call(socket, 2, 'Runtime.getHeapUsage')) as { usedSize: number };
    return usedSize / MIB;
  } finally {
    clearInterval(poking);
    socket.close();
  }
}

function call(socket: WebSocket, id: number, method: string): Promise<unknown> {
  return new Promise((resolve) => {
    const listen = ({ data }: MessageEvent): void => {
      const answer = JSON.parse(String(data)) as { id?: number; result?: unknown };
      if (answer.id !== id) return;
      socket.removeEventListener('message', listen);
      resolve(answer.result);
    };
    socket.addEventListener('message', listen);
    socket.send(JSON.stringify({ id, method }));
  });
}
