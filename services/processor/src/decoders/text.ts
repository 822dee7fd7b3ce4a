/**
 * `decode: text`: a record is one value as it is, such as `21.5` or `ON` of a device that has a topic for each of its sensors. Its
 * member `value` is the text.
 */
import { decodeUtf8, JsonError } from '@millrace/core/record/json.ts';
import { DecodeError, type Decoder } from './decoder.ts';

export const text: Decoder = {
  decode({ value }) {
    if (value === null || value.length === 0)
      throw new DecodeError({ reason: 'empty', message: 'the record is empty; allowed is a text' });
    try {
      return [{ object: { value: decodeUtf8(value) } }];
    } catch (error) {
      if (error instanceof JsonError) throw new DecodeError({ reason: 'parse', message: error.message });
      throw error;
    }
  },
};
