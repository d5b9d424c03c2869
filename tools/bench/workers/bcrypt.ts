import bcrypt from 'bcryptjs';

interface Bindings {
  PASSWORD: string;
  HASH: string;
}

/** One comparison of a password and nothing else: what a sign-in cannot be cheaper than. */
export default {
  async fetch(_request: Request, env: Bindings): Promise<Response> {
    return Response.json({ matches: await bcrypt.compare(env.PASSWORD, env.HASH) });
  },
};
