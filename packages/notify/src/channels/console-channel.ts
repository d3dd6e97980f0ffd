import type { Channel } from '../channel.ts';

/** Makes a channel that writes one line per message, for terminals and logs. The target is put in front of it. */
export function createConsoleChannel(options: { readonly write: (line: string) => void }): Channel {
  return {
    deliver: async ({ notification, subject }, target) => {
      const text = notification.text.replaceAll(/\p{Cc}+/gu, ' ').trim();
      options.write(`${target === '' ? '' : `${target} `}${subject}: ${text}\n`);
    },
  };
}
