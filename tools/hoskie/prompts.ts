// Questions go to standard error: standard output may be a file or JSON.
const context = { output: process.stderr };

export async function askText(message: string): Promise<string> {
  const { default: input } = await import('@inquirer/input');
  return (await input({ message }, context)).trim();
}

/** What is typed isn't shown. */
export async function askSecret(message: string): Promise<string> {
  const { default: password } = await import('@inquirer/password');
  return password({ message }, context);
}

/** Enter alone is no. */
export async function askYes(message: string): Promise<boolean> {
  const { default: confirm } = await import('@inquirer/confirm');
  return confirm({ message, default: false }, context);
}
