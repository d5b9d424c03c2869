// The two lists of bowser that we use; the whole of it is three times as large.

interface BowserLists {
  /** What `test` functions ask of the parser. */
  readonly parser: {
    getUA(): string;
    test(pattern: RegExp): boolean;
    getBrandVersion(): undefined;
    hasBrand(): false;
  };
  readonly list: readonly {
    readonly test: readonly RegExp[] | ((parser: BowserLists['parser']) => boolean);
    describe(
      userAgent: string,
      parser: BowserLists['parser'],
    ): { readonly name?: string; readonly version?: string; readonly versionName?: string };
  }[];
}

declare module 'bowser/src/parser-browsers.js' {
  const list: BowserLists['list'];
  export default list;
}

declare module 'bowser/src/parser-os.js' {
  const list: BowserLists['list'];
  export default list;
}
