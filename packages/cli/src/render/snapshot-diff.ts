import type { SnapshotDiff } from '@lazarus/core/config';
import { plural, shortId } from './amounts.ts';
import { createPaint, oneLine } from './paint.ts';
import type { Paint, RenderOptions } from './paint.ts';

/** What a change of the configuration changes: service by service, then the recorded events that would end otherwise. */
export function renderSnapshotDiff(diff: SnapshotDiff, options: RenderOptions): string {
  const paint = createPaint(options);
  const { services, total, decisions, rollouts } = diff;
  return [
    `config ${shortId(diff.before)} to ${shortId(diff.after)}: ${services.length} of ${plural(total, 'service')} affected`,
    ...services.flatMap((service) => serviceLines(service, paint)),
    ...rollouts.flatMap((plan) => rolloutLines(plan, paint)),
    ...(decisions.length === 0
      ? []
      : [`${plural(decisions.length, 'recorded event')} would be answered otherwise:`]),
    ...decisions.map(
      ({ event, service, before, after }) => `  ${oneLine(`${event} (${service}): ${before} -> ${after}`)}`,
    ),
  ].join('\n');
}

const MAX_NAMED = 8;

function rolloutLines({ profile, waves }: SnapshotDiff['rollouts'][number], paint: Paint): readonly string[] {
  return [
    paint.bold(oneLine(`profile ${profile} reaches its services in ${plural(waves.length, 'wave')}`)),
    ...waves.map(({ share, services }, index) => {
      const named = services.slice(0, MAX_NAMED).join(', ');
      const more = services.length > MAX_NAMED ? ` and ${services.length - MAX_NAMED} more` : '';
      return oneLine(
        `  ${index + 1}. up to ${Math.round(share * 100)} %: ${named === '' ? 'nobody new' : named}${more}`,
      );
    }),
  ];
}

function serviceLines(
  { service, added, removed, changed }: SnapshotDiff['services'][number],
  paint: Paint,
): readonly string[] {
  return [
    paint.bold(oneLine(service)),
    ...added.map((rule) => paint.green(`  + ${oneLine(rule)}`)),
    ...removed.map((rule) => paint.red(`  - ${oneLine(rule)}`)),
    ...changed.flatMap(({ rule, values }) => [
      paint.yellow(`  ~ ${oneLine(rule)}`),
      ...values
        .map(({ value, before, after, from }) =>
          oneLine(`${value}: ${show(before)} -> ${show(after)} (${from})`),
        )
        .map((line) => `      ${line}`),
    ]),
  ];
}

function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}
