/** Owns the texts that come with every call, tool names and folders: encoded once each. */
import type { BodyEncoder } from './body.ts';

const MAX_BYTES = 4096;
const MAX_COUNT = 400;

export class EncodedNames {
  readonly #encoder: BodyEncoder;
  readonly #known = new Map<string, { readonly text: string; readonly json: string }>();

  constructor(encoder: BodyEncoder) {
    this.#encoder = encoder;
  }

  text(name: string): string {
    return this.#of(name).text;
  }

  json(name: string): string {
    return this.#of(name).json;
  }

  #of(name: string): { readonly text: string; readonly json: string } {
    let encoded = this.#known.get(name);
    if (encoded === undefined) {
      const { text } = this.#encoder.encodeText(name, MAX_BYTES);
      encoded = { text, json: JSON.stringify(text) };
      if (this.#known.size >= MAX_COUNT) this.#known.clear(); // G6
      this.#known.set(name, encoded);
    }
    return encoded;
  }
}
