import fc from 'fast-check';

/** Endless choices, one sequence for each chooser, which the same seed repeats. */
export function makeChoices<T>(arbitrary: fc.Arbitrary<T>, seed: number, choosers: number): (() => T)[] {
  const streams = fc.sample(fc.infiniteStream(arbitrary, { noHistory: true }), {
    seed,
    numRuns: choosers,
    // Small numbers must not be likelier than large ones.
    plugins: [fc.unbiased()],
  }) as fc.Stream<T>[];
  return streams.map((stream) => () => stream.next().value as T);
}
