import type { TokenHash } from '../../src/session/token.ts';

/** Characters of a token hash, in base64url, that a number holds exactly: 48 bits. */
const CHARACTERS = 8;

/**
 * A set of token hashes that takes 8 to 16 bytes for each, so that it holds millions. It knows 48 bits of each: of a
 * million, one in 280 million others passes for a member.
 */
export class TokenSet {
  #numbers = new Float64Array(1024);
  #count = 0;

  add(tokenHash: TokenHash): void {
    if (this.#count === this.#numbers.length) {
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#count++] = numberOf(tokenHash);
  }

  /** Nothing is added after this. */
  seal(): void {
    this.#numbers = this.#numbers.subarray(0, this.#count).sort();
  }

  /** Call `seal` first. */
  has(tokenHash: TokenHash): boolean {
    const wanted = numberOf(tokenHash);
    let [from, to] = [0, this.#count];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#numbers[middle] ?? 0) < wanted) from = middle + 1;
      else to = middle;
    }
    return from < this.#count && this.#numbers[from] === wanted;
  }
}

function numberOf(tokenHash: TokenHash): number {
  const bytes = Buffer.alloc(6);
  bytes.write(tokenHash.slice(0, CHARACTERS), 'base64url');
  return bytes.readUIntBE(0, 6);
}
