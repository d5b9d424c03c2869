import { InvalidArgumentError } from 'commander';

/** For an option of commander: a whole number from 1. */
export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

/** For an option of commander: those of the parts that contain one of these words, separated by commas. */
export const someOf =
  <Part extends string>(parts: readonly Part[]) =>
  (text: string): Part[] => {
    const words = text.split(',');
    if (!words.every((word) => word !== '' && parts.some((part) => part.includes(word))))
      throw new InvalidArgumentError(`The parts are ${parts.join(', ')}.`);
    return parts.filter((part) => words.some((word) => part.includes(word)));
  };
