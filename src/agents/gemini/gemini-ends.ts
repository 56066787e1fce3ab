/** Owns what the answer of a tool of Gemini CLI says of how the call ended. Pure. */
import type { AgentCallEnd } from '../../pod/host/agent-desk.ts';
import type { SubOutcome } from '../../pod/host/agent-subs.ts';
import { type Fields, fieldsOf, listOf, parseFields, textOf } from '../read-fields.ts';

/** The tool that starts a subagent. */
export const INVOKE = 'invoke_agent';

const SHELL = 'run_shell_command';
/** What follows the output of a command: that alone, up to the end. */
const EXIT_CODE =
  /\nExit Code: (\d{1,3})(?:\n(?:Signal|Background PIDs|Process Group PGID): [^\n]*)*\s*(?:<\/untrusted_context>)?\s*$/;
const CANCELLED = /^(?:<untrusted_context>\s*)?Command was (?:automatically )?cancelled/;

const textIn = (content: unknown): string => {
  if (typeof content === 'string') return content;
  const parts = Array.isArray(content) ? content : [content];
  return parts.map((part) => textOf(fieldsOf(part)['text']) ?? '').join('\n');
};

/** Without what is shown, where the model is told the same. */
const slim = (response: Fields): Fields => {
  const { returnDisplay, ...rest } = response;
  const isSame =
    returnDisplay === '' || (typeof returnDisplay === 'string' && textIn(rest['llmContent']).includes(returnDisplay));
  return returnDisplay === undefined || isSame ? rest : response;
};

/** Of a call that a hook told of. */
export const endOfResponse = (tool: string, given: Fields): AgentCallEnd => {
  const response = slim(given);
  const text = textIn(given['llmContent']);
  const error = fieldsOf(given['error']);
  const code = tool === SHELL ? EXIT_CODE.exec(text)?.[1] : undefined;
  if (code !== undefined) return { ok: false, error: `Exit code ${code}`, response, exitCode: Number(code) };
  if (given['error'] !== undefined && given['error'] !== null) {
    return { ok: false, error: textOf(error['message']) ?? text, response };
  }
  if (tool === SHELL && CANCELLED.test(text)) {
    return { ok: false, error: text.split(' Below is')[0] ?? text, response, isInterrupt: true };
  }
  return { ok: true, response };
};

/** Of a line of the stream. */
export const endOfLine = (line: Fields): AgentCallEnd => {
  const output = textOf(line['output']);
  if (line['status'] !== 'error') return { ok: true, response: output ?? null };
  return { ok: false, error: textOf(fieldsOf(line['error'])['message']) ?? output ?? 'it failed' };
};

/** Of a call in a transcript. */
export const endOfTold = (call: Fields): AgentCallEnd => {
  const [answer] = listOf(call['result']).map((part) =>
    fieldsOf(fieldsOf(fieldsOf(part)['functionResponse'])['response']),
  );
  const output = answer?.['output'] ?? null;
  if (call['status'] === 'success') {
    return endOfResponse(textOf(call['name']) ?? '', { llmContent: output });
  }
  const error = textOf(answer?.['error']) ?? textOf(call['resultDisplay']) ?? 'it failed';
  return { ok: false, error, ...(call['status'] === 'cancelled' ? { isInterrupt: true } : {}) };
};

/** Its last words stand in JSON where they are all that it has to tell. */
const plain = (result: string): string => {
  const told = parseFields(result);
  const [response, ...more] = Object.values(told ?? {});
  return typeof response === 'string' && more.length === 0 ? response : result;
};

/** What a subagent came to, as the answer of the call that started it has it. */
export const subEndOf = (response: Fields): { readonly outcome: SubOutcome; readonly summary: string } => {
  const shown = fieldsOf(response['returnDisplay']);
  const text = textIn(response['llmContent']);
  const summary = plain(textOf(shown['result']) ?? text.replace(/^[\s\S]*?\nResult:\n/, ''));
  if (shown['state'] === 'cancelled') return { outcome: 'cancelled', summary };
  const reason = textOf(shown['terminateReason']) ?? /\nTermination Reason: (\w+)/.exec(text)?.[1];
  return { outcome: response['error'] === undefined && reason === 'GOAL' ? 'completed' : 'failed', summary };
};
