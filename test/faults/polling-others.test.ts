import { survivesPolling } from "./polling-every-call.ts";

survivesPolling("is throttled", "times out", "is repeated");
