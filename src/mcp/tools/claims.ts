/** Owns the tools `claim_path`, `release_path` and `claims`: who works where, so that pods do not write over each other. */
import { z } from 'zod';
import { type Claim, overlaps } from '../claims/claim.ts';
import { ClaimBoard } from '../claims/claim-board.ts';
import { resolveClaimedPath } from '../claims/claimed-path.ts';
import { holderOf } from '../claims/holder.ts';
import { clip, clipLine, clipList } from '../clip.ts';
import { durationText } from '../pod-line.ts';
import { tryWriteNote } from '../pod-note.ts';
import { createTool, refused, said } from '../tool.ts';

const DEFAULT_TTL_S = 300;
const MAX_TTL_S = 3_600;
const WHY_MAX_CHARS = 120;

const path = z.string().min(1).max(4_096).describe('File or folder; relative to yours.');

const spanText = ({ since, until }: Claim): string => {
  const nowMs = Date.now();
  return `since ${durationText(nowMs - Date.parse(since))}, for ${durationText(Date.parse(until) - nowMs)} more`;
};

const claimLine = (claim: Claim, mark = ''): string =>
  `${claim.path}: ${claim.holder.name}${mark}, ${spanText(claim)}: ${clipLine(claim.why, WHY_MAX_CHARS)}`;

const whenFree = ([first]: readonly Claim[]): string =>
  first === undefined ? '' : `Work on something else, ask ${first.holder.name}, or try again when it is free.`;

/** Where the record could not be written: said, and no reason to fail (G9). */
const noteGap = (why: string | undefined): string =>
  why === undefined ? '' : ` (Not on the record of your pod: ${why})`;

export const claimPath = createTool({
  name: 'claim_path',
  title: 'Claim a path',
  description:
    'Claims a file or folder for a while, before you change what other pods may change too. Refused while another holds it or what is in or around it. Locks nothing. Claim again to renew.',
  isReadOnly: false,
  input: z.strictObject({
    path,
    ttl_s: z.int().min(1).max(MAX_TTL_S).default(DEFAULT_TTL_S).describe('Seconds until it is free by itself.'),
    why: z.string().min(1).max(500).describe('What you do there; others see it.'),
  }),
  call: async ({ path: text, ttl_s: ttlS, why }, { caller, openPlace, signal }) => {
    const resolved = await resolveClaimedPath(text, caller.cwd, caller.env['HOME']);
    if (resolved.kind === 'refused') return refused(resolved.why);
    const place = await openPlace();
    const { maxAnswerChars: maxChars } = place.settings.mcp;
    const board = new ClaimBoard(place.home.runDir);
    const wish = { path: resolved.path, ttlMs: ttlS * 1_000, why, holder: holderOf(place, caller) };
    const outcome = await board.claim(wish, signal);
    switch (outcome.kind) {
      case 'claimed': {
        const gap = await tryWriteNote(caller, `claimed ${resolved.path} for ${durationText(wish.ttlMs)}: ${why}`);
        const next = `Free by itself in ${durationText(wish.ttlMs)}, or by release_path.`;
        return said(`${resolved.path} is yours. ${next}${noteGap(gap)}`);
      }
      case 'held': {
        const lines = [`${resolved.path} is held by others:`, ...outcome.by.map((claim) => claimLine(claim))];
        const rest = (count: number): string => `… and ${count} more.`;
        return refused(clipList({ lines, maxChars, rest }), whenFree(outcome.by));
      }
      case 'full':
        return refused(
          `${outcome.count} paths are claimed in this home, and no more may be`,
          'Release what you do not need.',
        );
    }
  },
});

export const releasePath = createTool({
  name: 'release_path',
  title: 'Release a path',
  description: 'Gives a path back that you claimed.',
  isReadOnly: false,
  input: z.strictObject({ path }),
  call: async ({ path: text }, { caller, openPlace }) => {
    const resolved = await resolveClaimedPath(text, caller.cwd, caller.env['HOME']);
    if (resolved.kind === 'refused') return refused(resolved.why);
    const place = await openPlace();
    const board = new ClaimBoard(place.home.runDir);
    const holder = holderOf(place, caller);
    const released = board.release(resolved.path, holder);
    if (released.length > 0) {
      return said(`${resolved.path} is free.${noteGap(await tryWriteNote(caller, `released ${resolved.path}`))}`);
    }
    const others = board.list().filter((claim) => overlaps(claim, { path: resolved.path }));
    const lines = [
      `you hold no claim on ${resolved.path}; these touch it:`,
      ...others.map((claim) => claimLine(claim)),
    ];
    if (others.length === 0) return said(`${resolved.path} was not claimed; it is free.`);
    return refused(clip(lines.join('\n'), place.settings.mcp.maxAnswerChars));
  },
});

export const claims = createTool({
  name: 'claims',
  title: 'Claimed paths',
  description: 'Lists who has claimed which paths, until when, and why.',
  isReadOnly: true,
  input: z.strictObject({ path: path.optional().describe('Only those that touch this path.') }),
  call: async ({ path: text }, { caller, openPlace }) => {
    const resolved = text === undefined ? undefined : await resolveClaimedPath(text, caller.cwd, caller.env['HOME']);
    if (resolved?.kind === 'refused') return refused(resolved.why);
    const place = await openPlace();
    const { key } = holderOf(place, caller);
    const found = new ClaimBoard(place.home.runDir)
      .list()
      .filter((claim) => resolved === undefined || overlaps(claim, resolved));
    if (found.length === 0) return said(resolved === undefined ? 'Nothing is claimed.' : `${resolved.path} is free.`);
    const lines = found.map((claim) => claimLine(claim, claim.holder.key === key ? ' (you)' : ''));
    const rest = (count: number): string => `… and ${count} more; give a path to see those that touch it.`;
    return said(clipList({ lines, maxChars: place.settings.mcp.maxAnswerChars, rest }));
  },
});
