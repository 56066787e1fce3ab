import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestEffortFailures } from '../failopen/best-effort.ts';
import { createBodyEncoder } from './body.ts';

const CAP = 1024 * 1024;
const encoder = createBodyEncoder({ maxBodyBytes: CAP, patterns: [] });
const encode = (value: unknown): string => encoder.encode(value).json;

const boom = (): never => {
  throw new Error('boom');
};

const throwTextless = (): never => {
  throw Object.assign(new Error('x'), { message: undefined, toString: boom });
};

const nested = (depth: number): unknown => {
  let value: unknown = 'core';
  for (let i = 0; i < depth; i += 1) value = [value];
  return value;
};

const cyclic = (): unknown => {
  const value: Record<string, unknown> = { a: 1 };
  value['self'] = value;
  return value;
};

const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

const returnsItself = (): unknown => {
  const value = { a: 1, toJSON: (): unknown => value };
  return value;
};

class Point {
  readonly x = 1;
  readonly #y = 2;
  get y(): number {
    return this.#y;
  }
}

const failed = (): Error => {
  const error = new TypeError('no', { cause: new Error('deeper') });
  error.stack = 'TypeError: no\n    at x';
  (error.cause as Error).stack = 'Error: deeper';
  return Object.assign(error, { code: 'E_NO', name: 'TypeError' });
};

const shared = { s: 1 };
const unreadable = { get: boom, ownKeys: boom, getPrototypeOf: boom, has: boom, getOwnPropertyDescriptor: boom };

/** The expected records: what becomes of each kind of value. */
const RECORDS: readonly (readonly [name: string, make: () => unknown, json: string])[] = [
  ['plain JSON', () => ({ a: [1, 'x', true, null], b: {} }), '{"a":[1,"x",true,null],"b":{}}'],
  ['undefined', () => undefined, 'null'],
  ['undefined in a list', () => [undefined, 1], '[null,1]'],
  ['undefined in an object', () => ({ a: undefined, b: 1 }), '{"b":1}'],
  ['a hole in a list', () => [1, , 2], '[1,null,2]'], // oxlint-disable-line eslint/no-sparse-arrays
  ['a function', () => boom, 'null'],
  ['functions in it', () => ({ a: boom, b: [boom] }), '{"b":[null]}'],
  ['symbols', () => ({ a: Symbol('x'), [Symbol('y')]: 1, b: [Symbol('z')] }), '{"b":[null]}'],
  ['a bigint', () => ({ a: 12_345_678_901_234_567_890n }), '{"a":"12345678901234567890n"}'],
  ['a bigint of 40,000 digits', () => 10n ** 40_000n, '"[bigint of about 132880 bits]"'],
  ['NaN and infinities', () => [Number.NaN, Infinity, -Infinity], '[null,null,null]'],
  ['-0', () => [-0], '[0]'],
  ['numbers at their ends', () => [Number.MAX_VALUE, 5e-324, 1e21], '[1.7976931348623157e+308,5e-324,1e+21]'],
  ['boxed primitives', () => [new Object('x'), new Object(1), new Object(false), new Object(1n)], '["x",1,false,"1n"]'],
  ['lone surrogates', () => ['\uD800', 'a\uDC00b', '😀'], String.raw`["\ud800","a\udc00b","😀"]`],
  ['control characters', () => '\u0000\n\u2028"\\', String.raw`"\u0000\n` + '\u2028' + String.raw`\"\\"`],
  ['a cycle', cyclic, '{"a":1,"self":"[circular]"}'],
  ['one thing in two places', () => [shared, shared], '[{"s":1},{"s":1}]'],
  ['a date', () => new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ['an invalid date', () => [new Date(Number.NaN)], '[null]'],
  ['toJSON', () => ({ toJSON: () => ({ a: 1 }) }), '{"a":1}'],
  ['toJSON that throws', () => [{ toJSON: boom }], '["[unreadable: boom]"]'],
  ['toJSON that returns itself', returnsItself, '{"a":1}'],
  ['toJSON that returns another with a toJSON', () => ({ toJSON: () => ({ b: 2, toJSON: boom }) }), '{"b":2}'],
  ['toJSON that returns bytes', () => ({ toJSON: () => Buffer.from('hi') }), '{"$binary":2,"text":"hi"}'],
  ['toJSON that is no function', () => ({ toJSON: 1 }), '{"toJSON":1}'],
  [
    'a getter',
    () => ({
      get a() {
        return 1;
      },
    }),
    '{"a":1}',
  ],
  [
    'a getter that throws',
    () => ({
      get a(): number {
        return boom();
      },
      b: 1,
    }),
    '{"a":"[unreadable: boom]","b":1}',
  ],
  [
    'a thrown thing without a text',
    () => ({
      get a(): number {
        return throwTextless();
      },
    }),
    '{"a":"[unreadable: unknown error]"}',
  ],
  ['a proxy', () => new Proxy({ a: 1 }, {}), '{"a":1}'],
  ['a proxy of a list', () => new Proxy([1, 2], {}), '[1,2]'],
  ['a proxy whose traps throw', () => [new Proxy({ a: 1 }, unreadable), 1], '["[unreadable: boom]",1]'],
  ['a proxy of a list whose traps throw', () => [new Proxy([1], unreadable)], '["[unreadable: boom]"]'],
  ['a revoked proxy', () => [revoked()], `["[unreadable: Cannot perform 'IsArray' on a proxy that has been revoked]"]`],
  [
    'a Map',
    () =>
      new Map<unknown, unknown>([
        ['a', 1],
        [{ b: 2 }, [3]],
      ]),
    '{"$map":[["a",1],[{"b":2},[3]]]}',
  ],
  [
    'a Map with the name of a secret',
    () => new Map([['password', 'x']]),
    '{"$map":[["password","[redacted:password]"]]}',
  ],
  ['a Set', () => new Set([1, 'a']), '{"$set":[1,"a"]}'],
  ['a Map that pretends', () => Object.create(Map.prototype) as unknown, '{}'],
  ['a WeakMap, a Promise', () => [new WeakMap(), Promise.resolve(1)], '[{},{}]'],
  [
    'an Error',
    failed,
    '{"name":"TypeError","message":"no","code":"E_NO","cause":{"name":"Error","message":"deeper","stack":"Error: deeper"},"stack":"TypeError: no\\n    at x"}',
  ],
  [
    'an Error whose message throws',
    () => Object.defineProperties(new Error('x'), { message: { get: boom }, stack: { value: '' } }),
    '{"name":"Error","message":"[unreadable: boom]","stack":""}',
  ],
  ['a regular expression', () => /a\/b/gu, String.raw`"/a\\/b/gu"`],
  ['a URL', () => new URL('https://u:hunter2@h/x'), '"https://u:[redacted:url-password]@h/x"'],
  ['an instance of a class', () => new Point(), '{"x":1}'],
  ['no prototype', () => Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
  [
    '__proto__ as a key',
    () => JSON.parse('{"__proto__":{"a":1},"constructor":2}') as unknown,
    '{"__proto__":{"a":1},"constructor":2}',
  ],
  ['odd keys', () => ({ '': 1, 'a"b': 2, '\uD800': 3 }), String.raw`{"":1,"a\"b":2,"\ud800":3}`],
  ['text in bytes', () => Buffer.from('password=hunter2'), '{"$binary":16,"text":"password=[redacted:password]"}'],
  [
    'text in bytes with a bad one',
    () => Buffer.from([0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0xff]),
    '{"$binary":10,"text":"abcdefghi\uFFFD"}',
  ],
  ['few bytes', () => new Uint8Array([1, 2, 0, 255]), '{"$binary":4}'],
  [
    'the bytes of a file',
    () => Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), Buffer.alloc(1000)]),
    '{"$binary":1008,"begins":"89504e470d0a1a0a"}',
  ],
  ['no bytes', () => new ArrayBuffer(0), '{"$binary":0}'],
  ['an ArrayBuffer', () => new TextEncoder().encode('hi').buffer, '{"$binary":2,"text":"hi"}'],
  ['numbers in a typed array', () => new Float64Array(3), '{"$binary":24,"type":"Float64Array"}'],
  ['a DataView', () => new DataView(new ArrayBuffer(8)), '{"$binary":8,"type":"DataView"}'],
  ['400 MB in a typed array', () => new Uint32Array(100_000_000), '{"$binary":400000000,"type":"Uint32Array"}'],
  ['a secret as a key', () => ({ [`ghp_${'a1B2'.repeat(9)}`]: 1 }), '{"[redacted:github-token]":1}'],
  [
    'a number as a secret',
    () => ({ password: 12_345, token: null, secret: true }),
    '{"password":12345,"token":null,"secret":true}',
  ],
  [
    'a list of secrets',
    () => ({ passwords: { bob: 'x' }, apiKeys: ['abcdef1'] }),
    '{"passwords":{"bob":"[redacted:password]"},"apiKeys":["[redacted:key]"]}',
  ],
  ['arguments', () => ['x', '--password', 'hunter2', '-v'], '["x","--password","[redacted:password]","-v"]'],
  [
    'a password glued to its flag',
    () => ['mysql', '-u', 'root', '-phunter2', 'x'],
    '["mysql","-u","root","[redacted:password]","x"]',
  ],
  ['ports glued to a flag', () => ['docker', 'run', 'mysql', '-p3306:3306'], '["docker","run","mysql","-p3306:3306"]'],
  ['a login of curl', () => ['curl', '--user', 'bob:hunter2'], '["curl","--user","[redacted:password]"]'],
  ['a login glued to its flag', () => ['curl', '-ubob:hunter2', '-sS'], '["curl","[redacted:password]","-sS"]'],
  ['arguments of curl', () => ['curl', '-u', 'bob:hunter2', 'u'], '["curl","-u","[redacted:password]","u"]'],
  [
    'headers',
    () => ({ Authorization: 'Bearer abc', 'x-api-key': ['abcdef'], Cookie: 'a=b' }),
    '{"Authorization":"Bearer [redacted:authorization]","x-api-key":["[redacted:key]"],"Cookie":"[redacted:cookie]"}',
  ],
  [
    'headers in a row',
    () => ['Host', 'h', 'Authorization', 'Basic abc='],
    '["Host","h","Authorization","Basic [redacted:authorization]"]',
  ],
  [
    'name and value',
    () => [{ name: 'DB_PASSWORD', value: 'x' }],
    '[{"name":"DB_PASSWORD","value":"[redacted:password]"}]',
  ],
  ['depth 100', () => nested(100), `${'['.repeat(100)}"core"${']'.repeat(100)}`],
  ['depth 10,000', () => nested(10_000), `${'['.repeat(100)}"[cut: deeper than 100 levels]"${']'.repeat(100)}`],
];

describe('createBodyEncoder: the expected records (G7)', () => {
  it.each(RECORDS)('%s', (_, make, json) => {
    const encoded = encoder.encode(make());
    expect(encoded.json).toBe(json);
    expect(() => JSON.parse(encoded.json) as unknown).not.toThrow();
  });

  it('writes what JSON can say as JSON.stringify does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const { redacted, json } = encoder.encode(value);
        expect(redacted === undefined ? json : JSON.stringify(value)).toBe(JSON.stringify(value));
      }),
    );
  });

  it('counts what it redacts, by kind', () => {
    const { redacted } = encoder.encode({ password: 'x', a: 'DB_PASSWORD=y https://u:p@h', b: 'none' });
    expect(redacted).toEqual({ password: 2, 'url-password': 1 });
    expect(encoder.encode({ a: 'none' }).redacted).toBeUndefined();
  });
});

describe('createBodyEncoder: the cap (G6, G7)', () => {
  const huge = (): unknown => {
    const value: Record<string, number> = {};
    for (let i = 0; i < 1_000_000; i += 1) value[`key${i}`] = i;
    return value;
  };
  const endless = (): unknown => {
    const value: Record<string, unknown> = {};
    for (let i = 0; i < 30_000; i += 1) value[`key${i}`] = undefined;
    return Array.from({ length: 10_000 }, () => value);
  };
  const doubling = (): unknown => {
    let value: unknown[] = [1];
    for (let i = 0; i < 60; i += 1) value = [value, value];
    return value;
  };

  /** What ends the body, and how large it was at least. */
  const CUT: readonly (readonly [name: string, make: () => unknown, end: string, atLeastBytes: number])[] = [
    ['a string of 50 MB', () => 'x'.repeat(52_428_800), '…[cut: 52428800 bytes]"', 52_428_800],
    [
      'a string of 50 MB in pieces',
      () => Array.from({ length: 5_000 }, () => 'y').reduce((text) => text + 'z'.repeat(10_485), ''),
      'bytes]"',
      52_400_000,
    ],
    ['a field of 20 MB', () => ({ a: 1, stdout: '\n'.repeat(20_000_000), b: 2 }), '"…":"[cut: 1 more]"}', 20_000_000],
    ['a million keys', huge, 'more]"}', 10_000_000],
    ['a million numbers', () => Array.from({ length: 1_000_000 }, (_, i) => i), 'more]"]', 6_000_000],
    ['a billion holes', () => Array.from({ length: 1 }).concat(new Array(4_000_000_000)), 'more]"]', 10_000_000_000], // oxlint-disable-line unicorn/no-new-array
    ['a Map of 300,000', () => new Map(Array.from({ length: 300_000 }, (_, i) => [i, 'x'])), 'more]"]}', 3_500_000],
    ['a Set of 300,000', () => new Set(Array.from({ length: 300_000 }, (_, i) => i)), 'more]"]}', 1_800_000],
    ['50 MB of text in bytes', () => Buffer.alloc(52_428_800, 'line\n'), '…[cut: 52428800 bytes]"}', 52_428_800],
    ['50 MB of é in bytes', () => Buffer.alloc(52_428_800, 'é'), '…[cut: 52428800 bytes]"}', 52_428_800],
    ['keys of 10 MB', () => ({ ['k'.repeat(10_000_000)]: 1 }), '…[cut: 10000000 bytes]":1}', 10_000_000],
    ['things that double at each level', doubling, ']', CAP],
    ['fields that write nothing', endless, ']', CAP],
  ];

  it.each(CUT)('%s is cut, and says so', (_, make, end, atLeastBytes) => {
    const { json, truncatedBytes } = encoder.encode(make());
    expect(json.slice(-end.length)).toBe(end);
    expect(Buffer.byteLength(json)).toBeLessThanOrEqual(CAP);
    expect(truncatedBytes).toBeGreaterThanOrEqual(atLeastBytes);
    expect(() => JSON.parse(json) as unknown).not.toThrow();
  });

  it('keeps what fits, but for the room set aside', () => {
    const text = 'x'.repeat(CAP - 120);
    expect(encoder.encode({ text })).toEqual({
      json: JSON.stringify({ text }),
      redacted: undefined,
      truncatedBytes: 0,
    });
  });

  it('says how long the stack of an error was', () => {
    const error = Object.assign(new Error('x'), { stack: 's'.repeat(100_000) });
    expect(encode(error)).toBe(`{"name":"Error","message":"x","stack":"${'s'.repeat(8_192)}…[cut: 100000 bytes]"}`);
  });

  it('cuts no escape and no pair in two', () => {
    const small = createBodyEncoder({ maxBodyBytes: 1_000, patterns: [] });
    const unit = fc.constantFrom('x', '\\', '"', '\n', '\u0000', '\uD800', '\uDC00', 'é', '😀', '\u2028');
    fc.assert(
      fc.property(fc.string({ unit, minLength: 850, maxLength: 1_200 }), (text) => {
        const { json, truncatedBytes } = small.encode(text);
        expect(Buffer.byteLength(json)).toBeLessThanOrEqual(1_000);
        const read = String(JSON.parse(json));
        const kept = truncatedBytes === 0 ? text : read.slice(0, read.lastIndexOf('…[cut: '));
        expect(text.startsWith(kept)).toBe(true);
        expect(kept.length * 6).toBeGreaterThan(800);
        expect(json.isWellFormed()).toBe(true);
      }),
    );
  });

  it('is valid JSON within the cap, whatever the value and the cap', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
      maxDepth: 6,
    });
    fc.assert(
      fc.property(anything, fc.integer({ min: 200, max: 3_000 }), (value, maxBodyBytes) => {
        const { json, truncatedBytes } = createBodyEncoder({ maxBodyBytes, patterns: [] }).encode(value);
        expect(() => JSON.parse(json) as unknown).not.toThrow();
        expect(Buffer.byteLength(json)).toBeLessThanOrEqual(maxBodyBytes + 200);
        expect(json.isWellFormed()).toBe(true);
        expect(json.includes('[cut: ')).toBe(truncatedBytes > 0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the encoder itself', () => {
  it('fails at nothing: what bestEffort counts stays empty', () => {
    const unit = fc.constantFrom(
      'password',
      'token',
      '=',
      ':',
      '"',
      "'",
      '\\',
      '\n',
      ' ',
      '--',
      '-u',
      'curl',
      '://',
      '@',
      '</',
      '>',
      'eyJ',
      '.',
      'ghp_',
      '-----BEGIN',
      ' PRIVATE KEY-----',
      'Bearer',
      '\uD800',
      '0',
      'a'.repeat(20),
    );
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
        expect(() => JSON.parse(encode([text, Buffer.from(text), { [text]: text }])) as unknown).not.toThrow();
      }),
      { numRuns: 500 },
    );
    expect(Object.keys(bestEffortFailures()).filter((name) => name.startsWith('recorder.encode'))).toEqual([]);
  });
});

describe('encodeText (G7)', () => {
  it('redacts, caps and mends text', () => {
    expect(encoder.encodeText('token=ghp_' + 'a1B2'.repeat(9))).toEqual({
      text: 'token=[redacted:github-token]',
      redacted: { 'github-token': 1 },
      truncatedBytes: 0,
    });
    expect(encoder.encodeText('é'.repeat(1_000), 100)).toEqual({
      text: `${'é'.repeat(26)}…[cut: 2000 bytes]`,
      redacted: undefined,
      truncatedBytes: 2_000,
    });
    expect(encoder.encodeText('a\uD800b').text).toBe('a\uFFFDb');
  });

  it('never throws, whatever is given as text', () => {
    const given: readonly unknown[] = [undefined, null, 1, { toString: boom }, Symbol('x')];
    for (const value of given) expect(typeof encoder.encodeText(value as string).text).toBe('string');
  });
});
