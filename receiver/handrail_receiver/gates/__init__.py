"""What a gate asks for + what is known → whether it is open. Pure, but for asking Prometheus."""
