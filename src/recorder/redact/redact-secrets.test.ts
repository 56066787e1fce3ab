import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBodyEncoder } from '../body.ts';
import { SECRET_FORMS, SECRET_URLS } from './secret-patterns.ts';

/** A pseudo-random stream of characters, so that every failure can be repeated. */
const createSource = (seed: number): ((alphabet: string, count: number) => string) => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return (alphabet, count) =>
    Array.from({ length: count }, () => alphabet[Math.floor(next() * alphabet.length)]).join('');
};

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LOWER = UPPER.toLowerCase();
const DIGITS = '0123456789';
const HEX = '0123456789abcdef';
const ALNUM = UPPER + LOWER + DIGITS;
const WORD = `${ALNUM}_-`;
const BASE64 = `${ALNUM}+/`;

/** A secret, and what of it must not be left. Written in parts, so that no text here looks like a secret. */
interface Sample {
  readonly text: string;
  readonly secret: string;
}
type Random = ReturnType<typeof createSource>;
type MakeSample = (random: Random) => Sample;

const token =
  (prefix: string, alphabet: string, count: number, suffix = ''): MakeSample =>
  (random) => {
    const secret = random(alphabet, count) + suffix;
    return { text: prefix + secret, secret };
  };

const parts =
  (...each: readonly (string | readonly [alphabet: string, count: number])[]): MakeSample =>
  (random) => {
    const made = each.map((part) => (typeof part === 'string' ? part : random(part[0], part[1])));
    return { text: made.join(''), secret: made.at(-1) ?? '' };
  };

const privateKey: MakeSample = (random) => {
  const lines = Array.from({ length: 26 }, () => random(BASE64, 64));
  const label = 'PRIVATE KEY';
  return { text: `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----`, secret: lines.join('') };
};

const SAMPLES: readonly (readonly [kind: string, make: MakeSample])[] = [
  ['aws-access-key-id', token('AKIA', UPPER + DIGITS, 16)],
  ['aws-secret-key', parts('AK', 'IA', [UPPER + DIGITS, 16], ' ', [BASE64, 40])],
  ['google-api-key', token('AIza', WORD, 34, 'x')],
  ['google-oauth-token', token('ya29.', WORD, 60)],
  ['google-client-secret', token('GOCSPX-', WORD, 28)],
  ['digitalocean-token', token('dop_v1_', HEX, 64)],
  ['alibaba-key-id', token('LTAI', ALNUM, 20)],
  ['tencent-key-id', token('AKID', ALNUM, 32)],
  ['heroku-token', token('HRKU-', WORD, 60)],
  ['fly-token', token('fm2_', BASE64, 80)],
  ['netlify-token', token('nfp_', ALNUM, 36)],
  ['supabase-key', token('sbp_', HEX, 40)],
  ['supabase-key', token('sb_secret_', WORD, 30)],
  ['neon-key', token('napi_', LOWER + DIGITS, 60)],
  ['planetscale-token', token('pscale_tkn_', WORD, 40)],
  ['databricks-token', token('dapi', HEX, 32)],
  ['tailscale-key', token('tskey-auth-', ALNUM, 40)],
  ['terraform-token', token('atlasv1.', WORD, 60)],
  ['pulumi-token', token('pul-', HEX, 40)],
  ['vault-token', token('hvs.', WORD, 90)],
  ['doppler-token', token('dp.pt.', ALNUM, 43)],
  ['onepassword-token', token('ops_eyJ', WORD, 200)],
  ['github-token', token('ghp_', ALNUM, 36)],
  ['github-token', token('ghs_', ALNUM, 36)],
  ['github-token', token('github_pat_', ALNUM, 82)],
  ['gitlab-token', token('glpat-', WORD, 20)],
  ['gitlab-token', token('GR1348941', WORD, 20)],
  ['npm-token', token('npm_', ALNUM, 36)],
  ['pypi-token', token('pypi-', WORD, 160)],
  ['rubygems-key', token('rubygems_', HEX, 48)],
  ['crates-token', token('cio', ALNUM, 32)],
  ['nuget-key', token('oy2', LOWER + DIGITS, 43)],
  ['clojars-token', token('CLOJARS_', HEX, 60)],
  ['docker-token', token('dckr_pat_', WORD, 27)],
  ['artifactory-key', token('AKCp', ALNUM, 69)],
  ['circleci-token', parts('CCIPAT_', [ALNUM, 22], '_', [HEX, 40])],
  ['buildkite-token', token('bkua_', HEX, 40)],
  ['sonar-token', token('sqp_', HEX, 40)],
  ['atlassian-token', token('ATATT3', WORD, 180)],
  ['linear-key', token('lin_api_', ALNUM, 40)],
  ['postman-key', parts('PMAK-', [HEX, 24], '-', [HEX, 34])],
  ['anthropic-key', token('sk-ant-api03-', WORD, 95)],
  ['openai-key', token('sk-', ALNUM, 48)],
  ['openai-key', token('sk-proj-', WORD, 120)],
  ['openai-key', token('sk-or-v1-', HEX, 64)],
  ['huggingface-token', token('hf_', ALNUM, 34)],
  ['groq-key', token('gsk_', ALNUM, 52)],
  ['replicate-token', token('r8_', ALNUM, 37)],
  ['xai-key', token('xai-', ALNUM, 80)],
  ['perplexity-key', token('pplx-', ALNUM, 48)],
  ['langsmith-key', parts('lsv2_pt_', [HEX, 32], '_', [HEX, 10])],
  ['pinecone-key', token('pcsk_', ALNUM, 60)],
  ['elevenlabs-key', token('sk_', HEX, 48)],
  ['tavily-key', token('tvly-', ALNUM, 32)],
  ['cursor-key', token('key_', HEX, 64)],
  ['e2b-key', token('e2b_', HEX, 40)],
  ['slack-token', parts('xoxb-', [DIGITS, 12], '-', [DIGITS, 13], '-', [ALNUM, 24])],
  ['slack-token', parts('xapp-1-', [ALNUM, 11], '-', [DIGITS, 13], '-', [HEX, 64])],
  ['slack-webhook', parts('https://hooks.slack.com/', 'services/T', [ALNUM, 9], '/B', [ALNUM, 9], '/', [ALNUM, 24])],
  ['discord-webhook', parts('https://discord.com/api/', 'webhooks/', [DIGITS, 18], '/', [WORD, 68])],
  ['teams-webhook', parts('https://x.webhook.office.com/', 'webhookb2/', [HEX, 32], '@', [HEX, 32])],
  ['stripe-key', token('sk_live_', ALNUM, 24)],
  ['stripe-key', token('rk_live_', ALNUM, 24)],
  ['stripe-webhook-secret', token('whsec_', ALNUM, 32)],
  ['sendgrid-key', parts('SG.', [WORD, 22], '.', [WORD, 43])],
  ['twilio-key', token('SK', HEX, 32)],
  ['twilio-token', parts('AC', [HEX, 32], ':', [HEX, 32])],
  ['mailgun-key', token('key-', HEX, 32)],
  ['brevo-key', parts('xkeysib-', [HEX, 64], '-', [ALNUM, 16])],
  ['resend-key', parts('re_', [ALNUM, 8], '_', [ALNUM, 24])],
  ['discord-token', parts('MT', [ALNUM, 24], '.', [WORD, 6], '.', [WORD, 38])],
  ['telegram-bot-token', parts([`123456789`, 9], ':AA', [WORD, 33])],
  ['shopify-token', token('shpat_', HEX, 32)],
  ['square-token', token('sq0atp-', WORD, 22)],
  ['notion-token', token('ntn_', ALNUM, 46)],
  ['notion-token', token('secret_', ALNUM, 43)],
  ['figma-token', token('figd_', WORD, 40)],
  ['airtable-token', parts('pat', [ALNUM, 14], '.', [HEX, 64])],
  ['newrelic-key', token('NRAK-', UPPER + DIGITS, 27)],
  ['grafana-token', parts('glsa_', [ALNUM, 32], '_', [HEX, 8])],
  ['grafana-token', token('glc_', BASE64, 60)],
  ['sentry-token', token('sntryu_', HEX, 64)],
  ['dynatrace-token', parts('dt0c01.', [UPPER, 24], '.', [UPPER + DIGITS, 64])],
  ['dropbox-token', token('sl.', WORD, 130)],
  ['contentful-token', token('CFPAT-', WORD, 43)],
  ['typeform-token', token('tfp_', WORD, 44)],
  ['posthog-key', token('phx_', ALNUM, 43)],
  ['easypost-key', token('EZAK', ALNUM, 54)],
  ['prefect-key', token('pnu_', ALNUM, 36)],
  ['age-key', token('AGE-SECRET-KEY-1', UPPER + DIGITS, 58)],
  [
    'jwt',
    (random) => {
      const secret = `eyJ${random(ALNUM, 30)}.eyJ${random(WORD, 120)}.${random(WORD, 43)}`;
      return { text: secret, secret };
    },
  ],
  ['authorization', parts('Authorization: Bearer ', [WORD, 40])],
  ['password-hash', parts('root:$6$', [ALNUM, 16], '$', [`${ALNUM}./`, 86])],
  ['password-hash', parts('$6$rounds=5000$', [ALNUM, 16], '$', [`${ALNUM}./`, 86])],
  ['password-hash', parts('ada:$y$j9T$', [ALNUM, 22], '$', [`${ALNUM}./`, 43])],
  ['password-hash', token('$2b$12$', `${ALNUM}./`, 53)],
  ['password-hash', parts('bob:$apr1$', [ALNUM, 8], '$', [`${ALNUM}./`, 22])],
  ['password-hash', parts('$argon2id$v=19$m=65536,t=3,p=4$', [BASE64, 22], '$', [BASE64, 43])],
  [
    'private-key',
    (random) => {
      const lines = Array.from({ length: 14 }, () => random(BASE64, 64));
      return { text: `Private-Lines: 14\n${lines.join('\n')}\nPrivate-MAC: 00`, secret: lines.join('') };
    },
  ],
  ['private-key', privateKey],
  [
    'private-key',
    (random) => {
      const { text } = privateKey(random);
      const base64 = Buffer.from(text).toString('base64');
      return { text: base64, secret: base64.slice(40) };
    },
  ],
];

const encoder = createBodyEncoder({ maxBodyBytes: 1024 * 1024, patterns: [] });

/** Which eight characters in a row of the secret are left; shorter pieces are left by chance alone. '': none. */
const leftOf = (secret: string, json: string): string => {
  const text = JSON.stringify(JSON.parse(json));
  for (let i = 0; i + 8 <= secret.length; i += 1) {
    const piece = secret.slice(i, i + 8);
    if (text.includes(piece)) return piece;
  }
  return '';
};

describe('secrets that give themselves away (G7)', () => {
  it('has a sample of every form', () => {
    const sampled = new Set(SAMPLES.map(([kind]) => kind));
    expect([...SECRET_FORMS, ...SECRET_URLS].map(({ kind }) => kind).filter((kind) => !sampled.has(kind))).toEqual([]);
  });

  const places: readonly (readonly [name: string, put: (secret: string) => unknown])[] = [
    ['alone', (text) => text],
    ['in a sentence', (text) => `it is ${text}, they say`],
    ['in lines', (text) => ({ stdout: `first\n${text}\nlast` })],
    ['in JSON in JSON', (text) => ({ body: JSON.stringify({ list: [JSON.stringify({ text: `a\n${text}\nb` })] }) })],
    ['behind a name', (text) => `export MY_VALUE=${text}\n`],
    ['in quotes', (text) => `x("${text}")`],
    ['in colour', (text) => `\u001B[32m${text}\u001B[0m`],
    ['in colour in JSON', (text) => JSON.stringify(`\u001B[1;32m${text}\u001B[0m`)],
    ['in a URL', (text) => `https://h/x?y=%22${text}`],
    ['as a key', (text) => ({ [text]: 1 })],
    ['in bytes', (text) => Buffer.from(`x ${text}\n`)],
    ['in an error', (text) => new Error(`refused: ${text}`)],
    ['in a list in a map', (text) => new Map([['a', [new Set([text])]]])],
  ];

  describe.each(SAMPLES.map(([kind, make], index) => ({ kind, make, index })))(
    '$kind ($index)',
    ({ kind, make, index }) => {
      it.each(places)('is found %s', (_, put) => {
        const { text, secret } = make(createSource(index + 1));
        const { json, redacted } = encoder.encode(put(text));
        expect(leftOf(secret, json)).toBe('');
        expect(Object.keys(redacted ?? {})).toContain(kind);
      });
    },
  );
});

const sampleArbitrary = fc
  .tuple(fc.nat(SAMPLES.length - 1), fc.integer({ min: 1 }))
  .map(([index, seed]) => SAMPLES[index]?.[1](createSource(seed)) ?? { text: '', secret: '' });

const NAMES = [
  'password',
  'DB_PASSWORD',
  'clientSecret',
  'api_key',
  'X-Api-Key',
  'access_token',
  'aws_secret_access_key',
];

describe('secrets anywhere (G7)', () => {
  const around = fc.string({
    unit: fc.constantFrom(' ', '\n', '"', ',', 'x', 'é', '😀', '\u0000', '\\', '{', ':'),
    maxLength: 30,
  });

  it('leaves nothing of a secret in any structure', () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.boolean());
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, sampleArbitrary, around, fc.nat(3), (value, sample, before, how) => {
        const text = `${before} ${sample.text} ${before}`;
        const planted = [
          { a: value, b: text },
          [value, [text, value]],
          { [text]: value },
          JSON.stringify({ value, text }),
        ][how];
        const { json } = encoder.encode(planted);
        expect(leftOf(sample.secret, json)).toBe('');
      }),
      { numRuns: 400 },
    );
  });

  it('leaves nothing of a value whose name says that it is secret', () => {
    const value = fc
      .string({ unit: fc.constantFrom(...Array.from(ALNUM)), minLength: 12, maxLength: 60 })
      .map((text) => `${text}7aB`);
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), value, around, fc.nat(7), (name, secret, before, how) => {
        const planted = [
          { [name]: secret },
          { deep: [{ [name]: [secret] }] },
          `${before}\n${name}=${secret}\n`,
          `${before}\n${name}: ${secret}\n`,
          JSON.stringify({ before, [name]: secret }),
          JSON.stringify({ inner: JSON.stringify({ before, [name]: secret }) }),
          ['x', `--${name}`, secret],
          `${before} --${name} ${secret} x`,
        ][how];
        const { json } = encoder.encode(planted);
        expect(json).not.toContain(secret);
      }),
      { numRuns: 400 },
    );
  });

  it('leaves nothing of a secret that lies across the edge of the cap', () => {
    const maxBodyBytes = 6_000;
    const small = createBodyEncoder({ maxBodyBytes, patterns: [] });
    fc.assert(
      fc.property(
        sampleArbitrary,
        fc.nat(2_200),
        fc.constantFrom(' ', '\n', 'é ', '"\n', 'word '),
        (sample, back, filler) => {
          const fillerJsonBytes = Buffer.byteLength(JSON.stringify(filler)) - 2;
          const before = filler.repeat(Math.floor((maxBodyBytes - back) / fillerJsonBytes));
          const { json, truncatedBytes } = small.encode({ stdout: `${before} ${sample.text} ${filler.repeat(3_000)}` });
          expect(leftOf(sample.secret, json)).toBe('');
          expect(truncatedBytes).toBeGreaterThan(5_000);
        },
      ),
      { numRuns: 400 },
    );
  });

  const PRIVATE: string = 'PRIVATE'; // no text here looks like a key

  it('leaves nothing of a secret that begins before the cap and is longer than what is read behind it', () => {
    const random = createSource(7);
    const small = createBodyEncoder({ maxBodyBytes: 1_000, patterns: [] });
    const lines = Array.from({ length: 400 }, () => random(BASE64, 64));
    const long = random(WORD, 20_000);
    const texts = [
      `${'x '.repeat(300)}-----BEGIN RSA ${PRIVATE} KEY-----\n${lines.join('\n')}\n-----END RSA ${PRIVATE} KEY-----`,
      `${'x '.repeat(300)}${JSON.stringify(`-----BEGIN ${PRIVATE} KEY-----\n${lines.join('\n')}`)}`,
      `${'x '.repeat(300)}eyJ${random(ALNUM, 30)}.eyJ${long}.${random(WORD, 40)}`,
      `${'x '.repeat(300)}eyJ${long}.eyJ${long}.x`,
      `${'x '.repeat(300)}password="${long}"`,
      `${'x '.repeat(300)}TOKEN=${long}`,
      `${'x '.repeat(300)}{\\"client_secret\\":\\"${long}\\"}`,
      `${'x '.repeat(300)}https://bob:${long}@host/`,
      `${'x '.repeat(300)}Authorization: Bearer ${long}`,
      `${'x '.repeat(300)}github_pat_${long.replaceAll('-', '_')}`,
    ];
    for (const text of texts) {
      const { json, truncatedBytes } = small.encode({ stdout: text });
      for (const secret of [lines.join(''), long.slice(0, 5_000), long.replaceAll('-', '_').slice(0, 5_000)]) {
        expect(leftOf(secret, json)).toBe('');
      }
      expect(truncatedBytes).toBeGreaterThan(1_000);
    }
  });

  it('leaves nothing of a secret at the edge of a short text', () => {
    fc.assert(
      fc.property(sampleArbitrary, fc.nat(300), fc.integer({ min: 60, max: 400 }), (sample, before, maxBytes) => {
        const { text } = encoder.encodeText(
          `${'word '.repeat(before / 5)} ${sample.text} ${'word '.repeat(100)}`,
          maxBytes,
        );
        expect(leftOf(sample.secret, JSON.stringify(text))).toBe('');
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
      }),
      { numRuns: 400 },
    );
  });

  it('changes nothing when what was redacted is redacted again', () => {
    fc.assert(
      fc.property(sampleArbitrary, around, (sample, before) => {
        const once = encoder.encode({ a: `${before} ${sample.text} ${before}` });
        const twice = encoder.encode(JSON.parse(once.json));
        expect(twice).toEqual({ json: once.json, redacted: undefined, truncatedBytes: 0 });
      }),
      { numRuns: 200 },
    );
  });
});
