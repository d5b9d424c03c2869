/** The cookies in a response that the contract names; others are between the service and the browser. */
export function ownCookies(setCookies: readonly string[]): string[] {
  return setCookies.filter((each) => /^(?:sessionid|csrftoken)=/.test(each)).sort();
}
