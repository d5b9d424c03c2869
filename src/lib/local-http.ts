const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

export const isLocalHost = (url: URL): boolean => LOCAL_HOSTS.has(url.hostname);

/** Plain http is for this machine alone. */
export const isLocalHttp = (url: URL): boolean => url.protocol === 'http:' && isLocalHost(url);
