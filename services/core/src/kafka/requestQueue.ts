/**
 * Makes an idle connection of kafkajs 2.2.4 idle. Its RequestQueue re-arms a timer of 1 ms after every request and then for
 * ever, to look at requests that wait because of throttling or of a limit of requests in flight (4 % of a core for each
 * process, and a TimeoutNegativeWarning for each negative delay on Node 24). Without waiting requests there is nothing to
 * look at, and `push` arms the timer itself when it has to make one wait: so it is armed only then.
 */
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

const schedule = RequestQueue.prototype.scheduleCheckPendingRequests;

RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleWhenSomethingWaits(this: RequestQueue): void {
  if (this.pending.length > 0) schedule.call(this);
};
