import type { Workerd } from './workerd.ts';

const MIB = 2 ** 20;
const POKE_MS = 100;

/** Calls a method of the Chrome DevTools protocol and returns its result. */
type Call = (method: string, params?: Record<string, unknown>) => Promise<unknown>;

/** Lets `work` speak the Chrome DevTools protocol with a workerd that was started with `inspect`. */
export async function withDevTools<T>(
  { inspectorPort }: Workerd,
  work: (call: Call) => Promise<T>,
): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${inspectorPort ?? 0}/json`);
  const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
  if (target === undefined) throw new Error('workerd has nothing to inspect');
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error('workerd cannot be inspected')));
  });
  const pending = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id !== undefined) pending.get(id)?.(result);
  });
  let lastId = 0;
  const call: Call = (method, params = {}) =>
    new Promise((resolve) => {
      lastId += 1;
      pending.set(lastId, resolve);
      socket.send(JSON.stringify({ id: lastId, method, params }));
    });
  try {
    return await work(call);
  } finally {
    socket.close();
  }
}

/** MiB of JavaScript still in use after a garbage collection. */
export async function liveHeapMib(workerd: Workerd): Promise<number> {
  // V8 collects in a task of its own, which workerd runs with the next request.
  const poking = setInterval(() => void fetch(`${workerd.origin}/healthz`).catch(() => undefined), POKE_MS);
  try {
    return await withDevTools(workerd, async (call) => {
      await call('HeapProfiler.collectGarbage');
      const { usedSize } = (await call('Runtime.getHeapUsage')) as { usedSize: number };
      return usedSize / MIB;
    });
  } finally {
    clearInterval(poking);
  }
}
