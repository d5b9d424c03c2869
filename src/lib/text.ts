/** Characters are code points, as Django and MySQL count them; an emoji is one. */
export const characterCount = (text: string): number => [...text].length;
