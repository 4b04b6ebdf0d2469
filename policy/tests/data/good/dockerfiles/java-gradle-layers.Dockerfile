FROM eclipse-temurin:21-jdk AS build
WORKDIR /src
COPY . .
RUN ./gradlew --no-daemon bootJar && java -Djarmode=layertools -jar build/libs/app.jar extract --destination /layers

FROM gcr.io/distroless/java21-debian12:nonroot
COPY --from=build /layers/dependencies/ /app/
COPY --from=build /layers/application/ /app/
WORKDIR /app
USER 65532
ENTRYPOINT ["java", "org.springframework.boot.loader.launch.JarLauncher"]
