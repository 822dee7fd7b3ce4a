/**
 * How a device may be called: its name is the common name of its certificate, its user name and client id at the broker, and a
 * level of its topics.
 *
 * Invariants: no name holds a character that means something in a topic filter or a broker's configuration (+ # / $ space);
 * none is longer than a common name may be (X.520: 64); none is taken for one of the platform's own clients.
 */
import { IdentityRefused } from './refused.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
/** Users of the platform at the broker begin with it. */
export const RESERVED = 'millrace';

/** @returns the name itself @throws IdentityRefused */
export function deviceNameOf(text: string): string {
  if (!NAME.test(text))
    throw new IdentityRefused(
      'device',
      `the name of the device is ${JSON.stringify(text.slice(0, 80))}; allowed are 1 to 64 letters, digits and . _ : -, the first a letter or digit`,
    );
  if (text.toLowerCase().startsWith(RESERVED))
    throw new IdentityRefused(
      'device',
      `the name of the device is ${JSON.stringify(text)}; names that begin with ${RESERVED} are the platform's own`,
    );
  return text;
}
