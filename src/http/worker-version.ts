/** By which a client asks for one version of a Worker: `cloud-hoskie="id"` (Cloudflare Workers, "Version overrides"). */
const OVERRIDES_HEADER = 'Cloudflare-Workers-Version-Overrides';
export const VERSION_HEADER = 'Worker-Version';

/**
 * Names the version that responds, to clients that ask for one: for a moment after a deployment, and for a header that
 * Cloudflare can't parse, another one responds. Nothing is named without the binding `CF_VERSION_METADATA`.
 */
export function nameVersion(request: Request, env: object, response: Response): Response {
  const { CF_VERSION_METADATA: version } = env as { CF_VERSION_METADATA?: { readonly id: string } };
  if (version === undefined || !request.headers.has(OVERRIDES_HEADER)) return response;
  const named = new Response(response.body, response);
  named.headers.set(VERSION_HEADER, version.id);
  return named;
}
