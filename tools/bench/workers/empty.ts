/** What starting workerd costs on its own. */
export default {
  fetch: (): Response => new Response('{}'),
};
