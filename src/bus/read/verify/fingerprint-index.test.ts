import { describe, expect, it } from 'vitest';
import { createEventId } from '../../../model/event-id.ts';
import { FingerprintIndex } from './fingerprint-index.ts';

describe('a set of fingerprints', () => {
  it('gives each text its number, and knows no other, also when it has grown', () => {
    const index = new FingerprintIndex();
    const ids = Array.from({ length: 50_000 }, () => createEventId(1_780_000_000_000));
    expect(ids.map((id) => index.add(id))).toEqual(ids.map((_, number) => number));
    expect(ids.map((id) => index.add(id))).toEqual(ids.map((_, number) => number));
    expect([index.count, index.find(ids[777] ?? '')]).toEqual([50_000, 777]);
    const others = Array.from({ length: 50_000 }, () => createEventId(1_780_000_000_000));
    expect(others.filter((id) => index.has(id))).toEqual([]);
  });

  it('tells texts apart that differ in one character', () => {
    const index = new FingerprintIndex();
    const texts = ['', '0', '1', '00', '01', '10', 'channels/JOB-a.jsonl\nw 1', 'channels/JOB-a.jsonl\nw 2'];
    for (const text of texts) index.add(text);
    expect(index.count).toBe(texts.length);
  });
});
