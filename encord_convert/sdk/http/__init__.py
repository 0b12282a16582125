"""How requests reach the service: routes, signatures, envelopes, retries, and the seam where bytes leave.

On the wire the client does what the original does, call by call, and takes what it takes. Where it differs, here is
all of it; ``tests/sdk`` holds each line to the recorded behaviour of version 0.1.104.

=================  ====================================================================================================
Where              What is different here
=================  ====================================================================================================
connections        are kept open and shared by all that one user client opened
                   large calls of a kind go out at once
                   several files are under way at once
                   several files are under way at once, and stand in order of name
domains            get_project_client and get_dataset_client stay with the domain of their user client
                   a slash at the end of a domain, and a path in it, count for both halves of the API
keys               passwords of keys need no package of your own
                   the resource of the environment works with API keys
signatures         clocks that disagree are noticed by the service's Date, and REST v2 signed again, once
sending again      full jitter, and a wait before the first time too
                   what makes something is sent once, unless the service honours X-Request-Id
                   nor is a PUT that begins a label row, makes a model or starts a job
                   an idle connection that was closed is noticed before something is sent on it
errors             errors of the client are EncordExceptions
                   the service's own words reach the user
                   exhausted retries, lost and late replies are exceptions of ours
                   what is no list where a list belongs is an error
label rows         dates keep their zone
                   dates keep their zone and tracks their hash
                   what a slice and its series say of themselves is kept
                   answers for what is on no frame are kept
                   frames and answers both say where classifications are
                   a label without answers is unanswered
replies            null is read where nothing is meant
bundles            what was sent is not sent again
                   where the service gives fewer rows at once, they are fetched in as many parts as it takes
uploads            an empty file is sent with its length
                   allow_failures registers what arrived; the rest is in failures
                   a call made again sends only the files that did not arrive
polling            a service that answers at once is asked once a second
secrets            keys, signatures and signed URLs are in no log, error or repr
=================  ====================================================================================================
"""
