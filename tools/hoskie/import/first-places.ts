import { hash } from 'node:crypto';

/** Two halves of a key's hash, and its place; a place of 0 is a free slot. */
const SLOT_WORDS = 3;
const FIRST_CAPACITY = 2 ** 14;
const LOAD_MAX = 0.75;

/**
 * Where each key was first seen: a hash table of 12 bytes a slot, as a dump may have millions of names, and their texts
 * would take too much memory. Two keys are taken for one with a chance of one in 2^64.
 */
export class FirstPlaces {
  #slots = new Uint32Array(SLOT_WORDS * FIRST_CAPACITY);
  #count = 0;

  /** Null: not seen yet. */
  find(key: string): number | null {
    const place = this.#slots[this.#locate(...hashOf(key)) + 2];
    return place === undefined || place === 0 ? null : place;
  }

  /** `place`: from 1 to 2^32 - 1. */
  add(key: string, place: number): void {
    if (this.#count >= LOAD_MAX * (this.#slots.length / SLOT_WORDS)) this.#grow();
    this.#set(...hashOf(key), place);
    this.#count += 1;
  }

  /** Its slot, or the free one where it belongs. */
  #locate(high: number, low: number): number {
    const slots = this.#slots;
    const capacity = slots.length / SLOT_WORDS;
    for (let slot = low % capacity; ; slot = (slot + 1) % capacity) {
      const i = slot * SLOT_WORDS;
      if (slots[i + 2] === 0 || (slots[i] === high && slots[i + 1] === low)) return i;
    }
  }

  #set(high: number, low: number, place: number): void {
    this.#slots.set([high, low, place], this.#locate(high, low));
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let i = 0; i < old.length; i += SLOT_WORDS) {
      const [high = 0, low = 0, place = 0] = old.subarray(i, i + SLOT_WORDS);
      if (place !== 0) this.#set(high, low, place);
    }
  }
}

function hashOf(key: string): [high: number, low: number] {
  const bytes = hash('sha1', key, 'buffer');
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
