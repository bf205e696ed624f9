/* The process that keeps a pod's namespaces: it waits to be told to end, and collects orphans meanwhile. */
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal) { (void)signal; _exit(0); }

static void collect(int signal)
{
	(void)signal;
	while (waitpid(-1, 0, WNOHANG) > 0)
		;
}

int main(void)
{
	struct sigaction ends = {.sa_handler = end}, collects = {.sa_handler = collect, .sa_flags = SA_NOCLDSTOP};

	sigaction(SIGINT, &ends, 0);
	sigaction(SIGTERM, &ends, 0);
	sigaction(SIGCHLD, &collects, 0);
	for (;;)
		pause();
}
