const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Plain http is for this machine alone. */
export const isLocalHttp = (url: URL): boolean => url.protocol === 'http:' && LOCAL_HOSTS.has(url.hostname);
