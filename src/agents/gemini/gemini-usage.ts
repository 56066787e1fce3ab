/** Owns what Gemini CLI says that it used: each request in its transcripts, and the sums by model at its end. */
import type { Usage } from '../../model/usage.ts';
import { countOf, type Fields, fieldsOf, textOf } from '../read-fields.ts';

type Tokens = Pick<Usage, 'input_tokens' | 'cache_read_tokens' | 'cache_write_tokens' | 'output_tokens'>;

const NO_TOKENS: Tokens = { input_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, output_tokens: 0 };
const NAMES = ['input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens'] as const;

const combine = (a: Tokens, b: Tokens, how: (a: number, b: number) => number): Tokens => ({
  input_tokens: how(a.input_tokens, b.input_tokens),
  cache_read_tokens: how(a.cache_read_tokens, b.cache_read_tokens),
  cache_write_tokens: how(a.cache_write_tokens, b.cache_write_tokens),
  output_tokens: how(a.output_tokens, b.output_tokens),
});
const sum = (a: number, b: number): number => a + b;
const rest = (a: number, b: number): number => Math.max(0, a - b);

const isNothing = (tokens: Tokens): boolean => NAMES.every((name) => tokens[name] === 0);

/** It knows no prices. */
const FREE = { cost_usd: null, cost_from: 'nobody' } as const;

export class GeminiUsage {
  /** What was told of this process, by model. */
  readonly #told = new Map<string, Tokens>();

  /** A new process of the same session counts from zero. */
  begin(): void {
    this.#told.clear();
  }

  /** Of a message in a transcript. */
  ofMessage(message: Fields): Usage | undefined {
    const { input, output, cached, thoughts, tool } = fieldsOf(message['tokens']);
    const thought = countOf(thoughts);
    const tokens: Tokens = {
      input_tokens: rest(countOf(input), countOf(cached)) + countOf(tool),
      cache_read_tokens: countOf(cached),
      cache_write_tokens: 0,
      output_tokens: countOf(output) + thought,
    };
    if (isNothing(tokens)) return undefined;
    const model = textOf(message['model']) ?? '';
    this.#told.set(model, combine(this.#told.get(model) ?? NO_TOKENS, tokens, sum));
    return { scope: 'call', model, ...tokens, ...(thought === 0 ? {} : { reasoning_tokens: thought }), ...FREE };
  }

  /** What the sums at the end hold besides: requests that stand in no transcript. */
  atEnd(models: unknown): readonly Usage[] {
    const sums = Object.entries(fieldsOf(models)).map(([model, counts]) => [model, sumsOf(fieldsOf(counts))] as const);
    const all = sums.reduce((total, [, tokens]) => combine(total, tokens, sum), NO_TOKENS);
    const told = [...this.#told.values()].reduce((total, tokens) => combine(total, tokens, sum), NO_TOKENS);
    let left = combine(all, told, rest); // where a model has two names it is told under one
    return sums.flatMap(([model, tokens]) => {
      const more = combine(combine(tokens, this.#told.get(model) ?? NO_TOKENS, rest), left, Math.min);
      left = combine(left, more, rest);
      return isNothing(more) ? [] : [{ scope: 'run', model, ...more, ...FREE } as const];
    });
  }
}

const sumsOf = (counts: Fields): Tokens => ({
  input_tokens: countOf(counts['input']),
  cache_read_tokens: countOf(counts['cached']),
  cache_write_tokens: 0,
  output_tokens: rest(countOf(counts['total_tokens']), countOf(counts['input_tokens'])),
});
