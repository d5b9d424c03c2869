/** The two cookies of the contract among those that an answer sets: others are between the service and the browser. */
export function ownCookies(setCookies: readonly string[]): string[] {
  return setCookies.filter((each) => /^(?:sessionid|csrftoken)=/.test(each)).sort();
}
