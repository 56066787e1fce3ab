/** Owns how chunks become lines, and how a file is followed while another program writes it. */
import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const POLL_MS = 50;
const CHUNK_BYTES = 64 * 1024;
/** Of a line that never ends only this is looked at. */
const MAX_LINE_CHARS = 4 * 1024 * 1024;

/** Hands whole lines over, and shows what is to be shown of them at once, also of a line that is not whole yet. */
export class LineFeed {
  #decoder = new StringDecoder('utf8');
  #line = '';
  #shownChars = 0;
  #take;
  #show;

  /** @param {(line: string) => string | undefined} take @param {(text: string) => void} show */
  constructor(take, show) {
    this.#take = take;
    this.#show = show;
  }

  /** @param {Buffer} chunk */
  push(chunk) {
    this.#line += this.#decoder.write(chunk);
    for (let end = this.#line.indexOf('\n'); end >= 0; end = this.#line.indexOf('\n')) {
      this.#whole(this.#line.slice(0, end), '\n');
      this.#line = this.#line.slice(end + 1);
    }
    if (this.#line.length > MAX_LINE_CHARS) this.end();
    // An object may be an event that people are shown something else of.
    else if (!this.#line.startsWith('{')) {
      this.#show(this.#line.slice(this.#shownChars));
      this.#shownChars = this.#line.length;
    }
  }

  end() {
    const line = this.#line + this.#decoder.end();
    this.#line = '';
    if (line !== '') this.#whole(line, '');
  }

  /** @param {string} line @param {string} feed */
  #whole(line, feed) {
    const shown = this.#take(line.replace(/\r$/, ''));
    if (this.#shownChars > 0) this.#show(line.slice(this.#shownChars) + feed);
    else if (shown !== undefined) this.#show(shown + feed);
    this.#shownChars = 0;
  }
}

/**
 * Follows a file that may not be there yet.
 * @param {string} path
 * @param {(chunk: Buffer) => void} onChunk
 * @returns {{ finish: () => void }} `finish` reads what is left
 */
export const followFile = (path, onChunk) => {
  let position = 0;
  const buffer = Buffer.alloc(CHUNK_BYTES);
  const read = () => {
    /** @type {number} */
    let fd;
    try {
      fd = openSync(path, 'r');
    } catch {
      return; // not yet
    }
    try {
      for (let count = -1; count !== 0; position += count) {
        count = readSync(fd, buffer, 0, CHUNK_BYTES, position);
        if (count > 0) onChunk(Buffer.from(buffer.subarray(0, count)));
      }
    } finally {
      closeSync(fd);
    }
  };
  const timer = setInterval(read, POLL_MS);
  return {
    finish: () => {
      clearInterval(timer);
      read();
    },
  };
};
