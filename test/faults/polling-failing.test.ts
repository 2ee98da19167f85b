import { survivesPolling } from "./polling-every-call.ts";

survivesPolling("fails once before", "fails once after");
