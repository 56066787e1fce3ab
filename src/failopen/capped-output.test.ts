import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CappedOutput } from './capped-output.ts';

const keep = (maxBytes: number, chunks: readonly Buffer[]) => {
  const output = new CappedOutput(maxBytes);
  for (const chunk of chunks) output.push(chunk);
  return output;
};

describe('CappedOutput', () => {
  it('keeps all of what fits, in whatever pieces it comes, also where a piece ends inside a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 1, max: 7 }), (text, size) => {
        const bytes = Buffer.from(text);
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        expect(keep(Math.max(1, bytes.length), chunks).read()).toEqual({ text: bytes.toString(), leftOutBytes: 0 });
      }),
    );
  });

  it('G3: keeps head and tail and counts every byte between them, whatever the pieces and the cap', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 30 });
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 200 }), (chunks, cap) => {
        const all = Buffer.concat(chunks).map((byte) => 97 + (byte % 26)); // one byte, one character
        const { text, leftOutBytes } = keep(cap, [Buffer.from(all)]).read();
        const pushed = keep(
          cap,
          chunks.map((chunk) => Buffer.from(chunk).map((byte) => 97 + (byte % 26)) as Buffer),
        );
        expect(pushed.read()).toEqual({ text, leftOutBytes });
        expect(leftOutBytes).toBe(Math.max(0, all.length - cap));
        const [head = '', tail = ''] = text.split(/\n\[… \d+ bytes? left out …\]\n/);
        const whole = Buffer.from(all).toString();
        expect(whole.startsWith(head)).toBe(true);
        expect(whole.endsWith(tail)).toBe(true);
      }),
    );
  });

  it('does not cut a character in two at the edges of what is left out', () => {
    const { text, leftOutBytes } = keep(11, [Buffer.from('€'.repeat(20))]).read();
    expect(text).toBe(`€€\n[… ${leftOutBytes} bytes left out …]\n€`);
    expect(leftOutBytes).toBe(60 - 9);
  });

  it('shows bytes that are no text as replacement characters', () => {
    expect(keep(100, [Buffer.from([0xff, 0xfe, 0x41, 0x80])]).read().text).toBe('\uFFFD\uFFFDA\uFFFD');
  });

  it('G6: holds a million one-byte pieces in no more memory than its cap', () => {
    const output = new CappedOutput(64 * 1024);
    const before = process.memoryUsage();
    const byte = Buffer.from('x');
    for (let count = 0; count < 1_000_000; count += 1) output.push(byte);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1024 * 1024);
    expect(output.read().leftOutBytes).toBe(1_000_000 - 64 * 1024);
  });
});
