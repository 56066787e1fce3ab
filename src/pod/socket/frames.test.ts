import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreeOnVersion, type Decoded, encodeFrame, encodeJsonFrame, FRAME_MAX_BYTES, FrameDecoder } from './frames.ts';

const decodeAll = (chunks: readonly Buffer[]): readonly Decoded[] => {
  const decoder = new FrameDecoder();
  const all: Decoded[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let one = decoder.next(); one.kind !== 'none'; one = decoder.next()) {
      all.push(one);
      if (one.kind === 'bad') return all;
    }
  }
  return all;
};

const cutAt = (bytes: Buffer, cuts: readonly number[]): readonly Buffer[] => {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, n) => bytes.subarray(at[n], end));
};

describe('a stream of frames', () => {
  it('is decoded alike wherever it is cut', () => {
    const message = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 20 }), (messages, cuts) => {
        const bytes = Buffer.concat(messages.map(encodeFrame));
        const values = decodeAll(cutAt(bytes, cuts)).map((one) => (one.kind === 'frame' ? one.value : one));
        expect(JSON.stringify(values)).toBe(JSON.stringify(messages));
      }),
    );
  });

  it('is decoded byte by byte', () => {
    const bytes = Buffer.concat([encodeFrame({ n: 1, text: 'ä'.repeat(5000) }), encodeFrame({ n: 2 })]);
    const all = decodeAll(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)));
    expect(all.map((one) => one.kind === 'frame' && one.value['n'])).toEqual([1, 2]);
  });

  it('of the longest frame, in chunks of 16 bytes, is decoded without copying it again and again', () => {
    const json = JSON.stringify({ text: 'x'.repeat(FRAME_MAX_BYTES - 11) });
    expect(json).toHaveLength(FRAME_MAX_BYTES);
    const bytes = encodeJsonFrame(json);
    const chunks = Array.from({ length: Math.ceil(bytes.length / 16) }, (_, n) => bytes.subarray(n * 16, n * 16 + 16));
    const atMs = performance.now();
    expect(decodeAll(chunks)).toHaveLength(1);
    expect(performance.now() - atMs).toBeLessThan(2000);
  });

  it('does not take the memory that a header claims before it is sent', () => {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(FRAME_MAX_BYTES, 0);
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external;
    const decoders = Array.from({ length: 100 }, () => new FrameDecoder());
    for (const decoder of decoders) {
      decoder.push(header);
      expect(decoder.next().kind).toBe('none');
      expect(decoder.isHalf).toBe(true);
    }
    const taken = process.memoryUsage().arrayBuffers + process.memoryUsage().external - before;
    expect(taken).toBeLessThan(4e6);
  });
});

describe('what is no frame', () => {
  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'oversized_frame'],
    ['a length over the limit', Buffer.from([0, 0x40, 0, 1]), 'oversized_frame'],
    ['no JSON', encodeJsonFrame('{'), 'bad_frame'],
    ['nothing', encodeJsonFrame(''), 'bad_frame'],
    ['a list', encodeJsonFrame('[1]'), 'bad_frame'],
    ['null', encodeJsonFrame('null'), 'bad_frame'],
  ])('%s is told, and nothing after it is looked at', (_, bytes, fault) => {
    const decoder = new FrameDecoder();
    decoder.push(bytes);
    expect(decoder.next()).toMatchObject({ kind: 'bad', fault });
    decoder.push(encodeFrame({ fine: true }));
    expect(decoder.next()).toMatchObject({ kind: 'bad', fault });
  });

  it('is told alike wherever it is cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 60 }), fc.array(fc.nat()), (garbage, cuts) => {
        const bytes = Buffer.from(garbage);
        expect(decodeAll(cutAt(bytes, cuts))).toEqual(decodeAll([bytes]));
      }),
    );
  });
});

describe('the version that is spoken', () => {
  const versions = { oldest: 2, newest: 4 };
  it("is the client's where the pod still serves it", () => {
    expect([2, 3, 4].map((v) => agreeOnVersion(v, versions))).toEqual([2, 3, 4]);
  });
  it('is none with a newer client, or one that is too old', () => {
    expect([1, 5].map((v) => agreeOnVersion(v, versions))).toEqual([undefined, undefined]);
  });
});
