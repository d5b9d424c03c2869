/** Characters are code points, as Django and MySQL count them; an emoji is one. */
export function characterCount(text: string): number {
  return text.length <= 1 ? text.length : [...text].length;
}
