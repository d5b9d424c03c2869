import bcrypt from 'bcryptjs';

interface Bindings {
  PASSWORD: string;
  HASH: string;
}

/** One comparison of a password and nothing else: a sign-in cannot cost less. */
export default {
  async fetch(_request: Request, env: Bindings): Promise<Response> {
    return Response.json({ matches: await bcrypt.compare(env.PASSWORD, env.HASH) });
  },
};
