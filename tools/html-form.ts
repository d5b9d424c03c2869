/** The first form of a page. */
export interface Form {
  readonly method: string;
  readonly action: string;
  readonly hidden: Readonly<Record<string, string>>;
  readonly inputs: readonly Input[];
}

export interface Input {
  readonly name: string;
  readonly type: string;
  readonly autocomplete: string;
  /** By a label with `for`, a label around it, or `aria-label`. */
  readonly isLabelled: boolean;
}

type Attributes = Readonly<Record<string, string>>;

/** Reads the first form of a page. Enough of HTML for pages that a server writes. Null: no form. */
export function parseForm(html: string): Form | null {
  const found = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(html);
  if (found === null) return null;
  const [, head = '', content = ''] = found;
  const form = attributesOf(head);
  const labelled = new Set(
    [...content.matchAll(/<label\b([^>]*)>/gi)].map(([, text = '']) => attributesOf(text)['for'] ?? ''),
  );
  const inside = [...content.matchAll(/<label\b[^>]*>([\s\S]*?)<\/label>/gi)]
    .map(([, text = '']) => text)
    .join('\n');
  const hidden: Record<string, string> = {};
  const inputs: Input[] = [];
  for (const [tag, text = ''] of content.matchAll(/<input\b([^>]*)>/gi)) {
    const { name = '', type = 'text', value = '', id = '', autocomplete = '', ...rest } = attributesOf(text);
    if (type === 'hidden') hidden[name] = value;
    const isLabelled = (id !== '' && labelled.has(id)) || inside.includes(tag) || 'aria-label' in rest;
    inputs.push({ name, type, autocomplete, isLabelled });
  }
  return { method: (form['method'] ?? 'get').toLowerCase(), action: form['action'] ?? '', hidden, inputs };
}

function attributesOf(text: string): Attributes {
  const attributes: Record<string, string> = {};
  for (const [, name = '', double, single, bare] of text.matchAll(
    /([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g,
  )) {
    attributes[name.toLowerCase()] = decodeEntities(double ?? single ?? bare ?? '');
  }
  return attributes;
}

/** Decodes the entities that HTML escapers write. */
export const decodeEntities = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replace(/&#0*39;|&#x27;/gi, "'")
    .replaceAll('&amp;', '&');
