import { Hono } from './hono.ts';
import type { Settings } from '../settings.ts';
import { belowBase } from './page-path.ts';

/**
 * Django's own addresses, and the well-known one, never show up as broken links: they redirect to ours, the query kept,
 * unless a setting uses them.
 */
export function djangoAddresses(settings: Settings): Hono {
  const app = new Hono();
  const path = (below: string): string => belowBase(settings.BASE_PATH, below);
  const signIn = path(settings.LOGIN_URL);
  const taken = [signIn, settings.LOGIN_REDIRECT_URL, settings.ACCOUNT_LOGOUT_REDIRECT_URL];
  const isFree = (path: string): boolean => !taken.some((each) => each === path || `${each}/` === path);
  const redirect = (from: string, to: string): void => {
    if (!isFree(from)) return;
    // 302 for a GET, as settings change; 307 keeps a POST a POST with its body.
    app.get(from, (c) => c.redirect(to + c.get('request').url.search, 302));
    app.post(from, (c) => c.redirect(to + c.get('request').url.search, 307));
  };
  redirect(path('/accounts/login/'), signIn);
  redirect(path('/accounts/logout/'), path('/logout/'));
  redirect(path('/accounts/password_change/'), path('/account/password/'));
  // Password managers open it (W3C, "A Well-Known URL for Changing Passwords").
  redirect('/.well-known/change-password', path('/account/password/'));
  return app;
}
